//! MariaDB.

mod conformance;
mod lost;
mod schema;
mod support;
mod trouble;

pub(crate) use support::Database;
