//! The transport against real sockets.

mod answers;
mod connections;
mod fixtures;
mod guarded;
mod requests;
mod tls;
