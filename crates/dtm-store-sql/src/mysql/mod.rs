//! MariaDB 10.6 and later, MySQL 8.

mod chunks;
mod connect;
mod dialect;
mod error;
mod lease;
mod load;
mod node;
mod purge;
mod scan;
mod schema;
mod server;
mod single;
mod sql;
mod topic;
mod trans;

pub(crate) use connect::MySql;
