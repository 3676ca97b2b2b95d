//! XA, seen from the database of a branch: MySQL, MariaDB and PostgreSQL.
//!
//! In the first phase a branch does its business in a transaction of its database, has itself registered, and *prepares*: from
//! there on the database keeps the transaction, and its locks, whatever becomes of the application. In the second phase the
//! transaction manager calls the same URL with `commit` or `rollback`.
//!
//! | to do | look at |
//! |---|---|
//! | the first phase | [`BranchBarrier::xa_prepare`](crate::BranchBarrier::xa_prepare) |
//! | the second phase | [`BranchBarrier::xa_finish`](crate::BranchBarrier::xa_finish) |
//! | see what is prepared | [`prepared`] |
//!
//! | database | what it needs |
//! |---|---|
//! | PostgreSQL | `max_prepared_transactions` above 0: as many as there may be branches at once |
//! | MySQL, MariaDB | the gid, `-` and the branch id have 64 bytes at most; to see what is prepared, MySQL 8 wants `XA_RECOVER_ADMIN` |
//!
//! The barrier table is used as by the other SDKs: the first phase inserts a row that is committed with the business, and a
//! rollback inserts the same row, so that a first phase that comes late finds it and stops.

mod database;
mod first_phase;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod prepared;
mod second_phase;
mod xid;

pub use database::XaDatabase;
pub use prepared::{Prepared, prepared};
