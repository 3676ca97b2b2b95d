//! The transport against real sockets.

mod answers;
mod connections;
mod discovery;
pub(crate) mod fixtures;
mod grpc;
mod grpc_server;
mod guarded;
mod json_rpc;
mod local;
mod requests;
mod tls;
