//! Where the server has a workflow go on.
//!
//! | file | idea |
//! |---|---|
//! | `resume` | an execution that outlives the request, and what it is answered with |
//! | `http` | as a route of axum |
//! | `grpc` | as a service of tonic |
//! | `local` | for a coordinator in this process |

mod grpc;
#[cfg(feature = "axum")]
mod http;
mod local;
mod resume;

pub use grpc::GrpcCallback;
