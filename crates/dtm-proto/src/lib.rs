//! Every byte on a wire: JSON bodies, protobuf messages, and the table that reads the result of a branch.
//!
//! | module | what it holds |
//! |---|---|
//! | [`http`] | the JSON bodies of the HTTP API: requests, answers, and the client's side of both |
//! | [`jsonrpc`] | the envelopes of the JSON-RPC API |
//! | [`grpc`] | the messages, clients and services of the gRPC API |
//! | [`outcome`] | what the answer of a branch means, over HTTP, JSON-RPC and gRPC |

pub mod grpc;
pub mod http;
pub mod jsonrpc;
pub mod outcome;
