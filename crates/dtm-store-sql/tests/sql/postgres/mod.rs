//! PostgreSQL.

mod conformance;
mod lost;
mod plans;
mod schema;
mod support;
mod trouble;

pub(crate) use support::Schema;
