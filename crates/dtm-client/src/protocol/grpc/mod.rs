//! The same requests over gRPC, and calls to branches over it (feature `grpc`).
//!
//! | file | idea |
//! |---|---|
//! | `node` | one server and its connection |
//! | `client` | requests to the server |
//! | `message` | a request as a protobuf message |
//! | `status` | what an error says |
//! | `branch` | calls to branches |
//! | `raw_codec` | messages as the bytes that they are |

mod branch;
mod client;
mod message;
mod node;
mod raw_codec;
mod status;

pub(crate) use branch::{Branches, Target};
pub(crate) use client::Grpc;
pub(crate) use node::Node;
