//! PostgreSQL.

mod conformance;
mod lost;
mod plans;
mod schema;
mod support;
mod throughput;
mod trouble;
