//! What every case uses.
//!
//! | file | idea |
//! |---|---|
//! | `binary` | where the server binary is; builds it when it is not current |
//! | `server` | one server process and its log |
//! | `place` | where a server keeps its transactions: which store, and where in it |
//! | `client` | requests to the server |
//! | `grpc`, `grpc_bodies` | gRPC clients of the server, and their requests |
//! | `raw` | bytes on a socket, for what no client library sends |
//! | `branches`, `reply` | the scripted branch service |
//! | `call` | what a branch service has seen |
//! | `databases` | where the business databases are |
//! | `name_server` | a scripted DNS server |
//! | `grpc_branches`, `raw_codec` | the scripted branch service over gRPC |
//! | `bodies` | request bodies |
//! | `view` | what `/query` shows, in short |

mod binary;
mod bodies;
mod branches;
mod call;
mod client;
pub(crate) mod databases;
pub(crate) mod grpc;
pub(crate) mod grpc_bodies;
mod grpc_branches;
mod name_server;
mod place;
mod raw;
mod raw_codec;
mod reply;
mod server;
mod view;

pub(crate) use binary::path as server_binary;
pub(crate) use bodies::{With, message, saga};
pub(crate) use branches::Branches;
pub(crate) use call::Call;
pub(crate) use client::{Answer, Client, SUCCESS, escaped};
pub(crate) use grpc_branches::{GrpcBranches, GrpcReply};
pub(crate) use name_server::{NameServer, Record};
pub(crate) use place::Place;
pub(crate) use raw::Connection;
pub(crate) use reply::{Gate, Reply};
pub(crate) use server::{Server, Settings};
pub(crate) use view::View;

use std::time::Duration;

/// Longer than anything that a case waits for; short enough to see a hang as one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server with its defaults, and a branch service.
pub(crate) async fn both() -> (Server, Branches) {
    (Server::start().await, Branches::start().await)
}
