//! Where requests come in: decode and encode, nothing else.

pub mod http;
mod jsonrpc;
