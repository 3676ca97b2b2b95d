//! MariaDB.

mod conformance;
mod lost;
mod schema;
mod support;
mod throughput;
mod trouble;
