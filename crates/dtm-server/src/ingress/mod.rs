//! Where requests come in. Ingresses decode and encode, and do nothing else.

mod accept;
pub mod grpc;
pub mod http;
mod jsonrpc;
