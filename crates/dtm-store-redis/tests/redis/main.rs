//! The store in Redis passes the suite, and does what only it has to do, against real servers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests have nobody to report an error to")]

mod batch;
mod conformance;
mod damage;
mod fixtures;
mod lost;
mod masters;
mod outage;
mod restart;
mod support;
mod throughput;
mod trouble;
