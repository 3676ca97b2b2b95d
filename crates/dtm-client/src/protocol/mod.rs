//! What goes over the wire, and nothing about what it means for a mode.
//!
//! | file | idea |
//! |---|---|
//! | `server` | what the server can be asked, whatever the protocol |
//! | `request` | a request about a transaction, before it has the form of a protocol |
//! | `verdict` | how an answer is read |
//! | `route` | several addresses: which one to ask, and when to ask another |
//! | `address` | where a server is |
//! | `http`, `json_rpc`, `grpc` | one protocol each |
//! | `in_process` | a coordinator in this process, and no protocol |
//! | `call`, `http_call` | calls to branches |
//! | `body` | JSON answers |

mod address;
mod body;
mod call;
#[cfg(feature = "grpc")]
pub(crate) mod grpc;
mod http;
mod http_call;
mod in_process;
mod json_rpc;
mod request;
mod route;
mod server;
mod verdict;

pub(crate) use address::Address;
pub(crate) use body::{NewGid, Progress, Progresses, QueriedBranch, QueriedTransaction, Query};
pub(crate) use call::{BranchCall, Called};
pub(crate) use http::{Http, Timeouts};
pub(crate) use http_call::shown as shown_branch;
pub(crate) use in_process::InProcess;
pub(crate) use request::{Patience, Request, RequestStep, Verb};
pub(crate) use route::Route;
pub(crate) use server::{Answered, Api, Server, unreadable};
pub(crate) use verdict::{Answer, Verdict, without_marker};
