//! Where the server has a workflow go on.
//!
//! | file | idea |
//! |---|---|
//! | `resume` | an execution that outlives the request, and what it is answered with |
//! | `http` | as a route of axum |
//! | `grpc` | as a service of tonic |

mod grpc;
#[cfg(feature = "axum")]
mod http;
mod resume;

pub use grpc::GrpcCallback;
