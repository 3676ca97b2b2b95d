//! The HTTP API under `/api` (behaviour A and B).
//!
//! | file | idea |
//! |---|---|
//! | `routes` | which path is which use case |
//! | `verbs` | requests that change a transaction |
//! | `topics` | requests about topics |
//! | `views` | requests that only look |
//! | `body` | reading a request body: bounded in size and time |
//! | `reply` | the envelope of every answer |
//! | `head_timer` | a request whose head does not end |
//! | `serve` | accepting connections, and ending gracefully |

mod body;
mod head_timer;
mod reply;
mod routes;
mod serve;
mod topics;
mod verbs;
mod views;

pub(super) use body::{BodyError, read};
pub(super) use reply::Reply;
pub use routes::{Ingress, routes};
pub use serve::{HttpServer, ServeSettings};
pub(super) use verbs::pass_headers_through;
