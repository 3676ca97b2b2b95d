//! What the barrier asks of a database, in the words of each.

use sqlx::{Error, Transaction};

use super::TableName;
use crate::row::{Found, Row};

/// A database that the barrier can work in: [`sqlx::MySql`] (MariaDB, too), [`sqlx::Postgres`], [`sqlx::Sqlite`], each with
/// the feature of its name.
pub trait SqlDatabase: Dialect {}

impl<DB: Dialect> SqlDatabase for DB {}

/// Out of reach for other crates, so that only databases of which it is tested have a barrier.
pub trait Dialect: sqlx::Database {
    /// Begins a transaction that [`is_still`](Self::is_still) recognises.
    const BEGIN: &'static str;
    /// Begins a transaction for a back-check.
    const BEGIN_BACK_CHECK: &'static str;
    /// What recognises the transaction.
    type Mark: Send + Sync;

    /// The table that is used unless another is named.
    fn usual_table() -> TableName;
    /// Makes a transaction that somebody else has begun one that [`is_still`](Self::is_still) recognises.
    fn mark(connection: &mut Self::Connection) -> impl Future<Output = Result<(), Error>> + Send;
    /// Inserts a row; `None` when it is there already. Waits for whoever inserts the same row in a transaction that has not
    /// ended.
    fn insert(
        connection: &mut Self::Connection,
        table: &TableName,
        row: Row<'_>,
    ) -> impl Future<Output = Result<Option<Self::Mark>, Error>> + Send;
    /// The row that keeps this one out.
    fn find(
        connection: &mut Self::Connection,
        table: &TableName,
        row: Row<'_>,
    ) -> impl Future<Output = Result<Option<Found>, Error>> + Send;
    /// Whether the connection is still in the transaction in which the mark was made, and can commit it.
    fn is_still(
        connection: &mut Self::Connection,
        mark: Self::Mark,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
    /// Makes sure that a rollback finds something.
    fn before_rollback(_: &mut Self::Connection) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
    /// Whether the error says that somebody else holds a lock for too long.
    fn is_lock_wait(error: &Error) -> bool;
    /// Makes the table, if it is not there.
    fn create_table(
        transaction: &mut Transaction<'_, Self>,
        table: &TableName,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}
