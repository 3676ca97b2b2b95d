//! The gRPC API: `dtmgimp.Dtm`, server reflection and the standard health service (behaviour D).
//!
//! tonic reads and writes messages; connections are hyper's, accepted here. tonic's own server would bring a second
//! router and a stack of middleware into every call, and has no limit for whoever connects and says nothing.
//!
//! | file | idea |
//! |---|---|
//! | `methods` | which method is which use case |
//! | `status` | an error as a gRPC status |
//! | `routes` | which path is which service; panics and deadlines of a call |
//! | `deadline` | how long a client waits |
//! | `message_body` | the message of a request: bounded in size and time |
//! | `until_stopped` | an answer that would never end by itself |
//! | `reflection`, `health` | the two standard services |
//! | `preface` | whether a connection is HTTP/2 at all |
//! | `activity` | whether a connection is used |
//! | `serve` | accepting connections, and ending gracefully |

mod activity;
mod deadline;
mod health;
mod message_body;
mod methods;
mod preface;
mod reflection;
mod routes;
mod serve;
mod status;
mod until_stopped;

pub use routes::GrpcIngress;
pub use serve::{GrpcServeSettings, GrpcServer};
