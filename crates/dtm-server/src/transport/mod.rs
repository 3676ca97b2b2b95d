//! Calling branches: [`HttpTransport`] makes a call, [`Guarded`] keeps a sick destination from harming the
//! others.
//!
//! ```text
//! runner ──> Guarded ──────────────> HttpTransport ──> HttpClient ──> branch
//!            breaker and bulkhead     request, result   pool, TLS, bounds
//!            per destination
//! ```

mod breaker;
mod client;
mod connector;
mod contract;
mod destination;
mod guarded;
mod http;
mod request;
mod resolver;
mod target;
mod tls;

#[cfg(test)]
pub(crate) mod tests;

pub use breaker::{Admission, Breaker, BreakerState};
pub use client::{Answer, Body, HttpClient, Trouble};
pub use contract::{Attempt, Contact, Transport};
pub use destination::BreakerCounts;
pub use guarded::{Guarded, Refusals};
pub use http::HttpTransport;
pub(crate) use request::json_request;
pub use request::{HeaderError, check_header};
pub(crate) use target::Target;
pub use target::{URL_BYTES_MAX, UrlError, check_url};
