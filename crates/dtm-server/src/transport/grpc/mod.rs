//! Calling a branch over gRPC (behaviour 45, 46): one unary call over HTTP/2 without TLS, its message passed on
//! as it is.
//!
//! | file | idea |
//! |---|---|
//! | `method` | the URL: `host:port/package.Service/Method` |
//! | `metadata` | what a call says about its transaction, and the branch headers |
//! | `message` | the bytes of the request |
//! | `channel`, `channels` | one connection to a server; one for each server |
//! | `exchange` | one call with bounds on everything, and how it ended |
//! | `status` | what the server says in the end |
//! | `transport` | from a branch call to its outcome |
//!
//! The message of the answer is thrown away while it arrives, and only a status that the server really sent
//! counts. A client library would keep the one and invent the other, so that the framing, five bytes, is ours.

mod channel;
mod channels;
mod exchange;
mod message;
mod metadata;
mod method;
mod status;
mod transport;

pub use metadata::MetadataError;
pub(super) use metadata::{check_metadata, check_metadata_value};
pub(super) use method::GrpcMethod;
pub use transport::GrpcTransport;
