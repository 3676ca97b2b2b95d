//! Calling branches: [`BranchTransport`] makes a call by the protocol that its URL asks for, [`Guarded`] keeps a
//! sick destination from harming the others.
//!
//! ```text
//! runner ──> Guarded ─────────────> BranchTransport ──┬─> HttpTransport ──> HttpClient ──> branch
//!            breaker and bulkhead    route of the URL  │   request, result   pool, TLS, bounds
//!            per destination         Discovery         ├─> GrpcTransport ──> channels ────> branch
//!                                                      └─> LocalBranches ──> task ────────> branch in this process
//! ```

mod branch;
mod breaker;
mod callable;
mod client;
mod connector;
mod contract;
mod destination;
mod discovery;
mod grpc;
mod guarded;
mod http;
mod json_rpc;
mod local;
mod local_call;
mod request;
mod resolver;
mod route;
mod target;
mod tls;

#[cfg(test)]
pub(crate) mod tests;

pub use branch::BranchTransport;
pub use breaker::{Admission, Breaker, BreakerState};
pub use callable::{Callable, NotCallable};
pub use client::{Answer, Body, HttpClient, Trouble};
pub use contract::{Attempt, Contact, Transport};
pub use destination::BreakerCounts;
pub use discovery::Discovery;
pub use grpc::{GrpcTransport, MetadataError};
pub use guarded::{Guarded, Refusals};
pub use http::HttpTransport;
pub(crate) use local::{LocalBranch, LocalBranches, local_name, local_url};
pub(crate) use local_call::{CalledFor, LocalCall};
pub(crate) use request::json_request;
pub use request::{HeaderError, check_header};
pub(crate) use target::Target;
pub use target::{URL_BYTES_MAX, UrlError};
