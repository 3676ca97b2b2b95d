//! MariaDB.

mod conformance;
mod support;
mod throughput;
