//! The stores in databases pass the suite, and do what only they have to do, against real servers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests have nobody to report an error to")]

mod fixtures;
mod lost;
mod mysql;
mod nodes;
mod postgres;
mod restart;
mod services;
mod throughput;
mod tls;
