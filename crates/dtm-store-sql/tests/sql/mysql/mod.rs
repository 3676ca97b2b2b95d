//! MariaDB.

mod conformance;
mod lost;
mod schema;
mod single;
mod support;
mod trouble;

pub(crate) use support::Database;
