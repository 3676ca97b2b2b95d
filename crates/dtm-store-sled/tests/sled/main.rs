//! The embedded store passes the suite, and does what only an embedded store has to do.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests have nobody to report an error to")]

mod conformance;
mod damage;
mod folder;
mod kill;
mod support;
mod throughput;
mod topics;
