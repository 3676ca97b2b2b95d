//! The barrier in a business database, by sqlx: MySQL and MariaDB, PostgreSQL, SQLite.
//!
//! | to do | look at |
//! |---|---|
//! | run a closure behind the barrier | [`BranchBarrier::call`](crate::BranchBarrier::call) |
//! | the same in a transaction that you have begun | [`BranchBarrier::call_in`](crate::BranchBarrier::call_in) |
//! | drive the transaction yourself | [`BranchBarrier::enter`](crate::BranchBarrier::enter) |
//! | answer the back-check of a message | [`BranchBarrier::query_prepared`](crate::BranchBarrier::query_prepared) |
//! | make the table | [`create_table`], [`create_table_named`] |
//! | use another table | [`TableName`], [`BranchBarrier::in_table`](crate::BranchBarrier::in_table) |
//!
//! | database | table | notes |
//! |---|---|---|
//! | MySQL, MariaDB | `dtm_barrier.barrier` | a database of its own on the same server; `call` sends `BEGIN; SAVEPOINT ..` as one question, which TiDB refuses unless `tidb_multi_statement_mode` is on: there use `call_in` |
//! | PostgreSQL | `dtm_barrier.barrier` | a schema of its own in the same database, with the constraint `uniq_barrier` that Go's SDK names |
//! | SQLite | `dtm_barrier` | one writer at a time: open it with a `busy_timeout` longer than your longest transaction, and better in WAL mode; a call that waited longer is asked again later |
//!
//! Rows are never removed. A transaction that has ended needs its rows no more: delete by `create_time` what is older than
//! any transaction may live.

mod call;
mod database;
mod enter;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod query_prepared;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use crate::table_name::{BadTableName, TableName};
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) use call::database;
#[cfg(feature = "postgres")]
pub(crate) use database::Dialect;
pub use database::SqlDatabase;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) use enter::{find, insert, insert_alone};
pub use schema::{create_table, create_table_named};
