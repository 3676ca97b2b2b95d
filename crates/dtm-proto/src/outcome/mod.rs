//! The one table that reads the result of a call to a branch, for the server and for the SDK.
//!
//! HTTP, in the order in which the rows are tried (behaviour 55, decision 3):
//!
//! | answer | `compat` | `legacy` | `strict` |
//! |---|---|---|---|
//! | status 425 | ongoing | ongoing | ongoing |
//! | `ONGOING` anywhere in the body | - | ongoing | - |
//! | status 409 | failure | failure | failure |
//! | `FAILURE` anywhere in the body | - | failure | - |
//! | body is an object whose `dtm_result` is exactly `FAILURE` / `ONGOING` | failure / ongoing | - | - |
//! | body is exactly `FAILURE` / `ONGOING`, apart from white space around it | failure / ongoing | - | - |
//! | body is a broken object that mentions `dtm_result` | unknown | - | - |
//! | status 200 | success | success | success |
//! | anything else | unknown | unknown | unknown |
//!
//! JSON-RPC: the HTTP table first; where it finds neither failure nor ongoing, the error code -32901 is a
//! failure and -32902 is ongoing (decision 4), every other error is unknown. gRPC: behaviour 46.
//!
//! What cannot be read is [`Outcome::Unknown`](dtm_core::model::Outcome::Unknown), never a failure: the call may have taken effect.
//!
//! | file | idea |
//! |---|---|
//! | `result_protocol` | the columns of the table |
//! | `http`, `json_rpc`, `grpc` | its rows, one protocol each |
//! | `word`, `scalar` | what a body says by itself |

mod grpc;
mod http;
mod json_rpc;
mod result_protocol;
mod scalar;
mod word;

pub use grpc::from_grpc;
pub use http::from_http;
pub use json_rpc::{JSON_RPC_FAILURE, JSON_RPC_ONGOING, from_json_rpc};
pub use result_protocol::{ResultProtocol, UnknownResultProtocol};
