//! The transport against real sockets.

mod answers;
mod connections;
pub(crate) mod fixtures;
mod guarded;
mod requests;
mod tls;
