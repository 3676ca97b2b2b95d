//! What XA asks of a database.

use sqlx::Error;

use super::xid::Xid;
use crate::sql::SqlDatabase;

/// A database with XA: [`sqlx::MySql`] (MariaDB, too) and [`sqlx::Postgres`].
pub trait XaDatabase: SqlDatabase + Commands {}

impl<DB: SqlDatabase + Commands> XaDatabase for DB {}

/// Out of reach for other crates.
pub trait Commands: SqlDatabase {
    /// The longest name in bytes.
    const XID_MAX: usize;

    /// Begins a transaction of that name; `false` when the database says that there is one. When the connection breaks before
    /// it is prepared, it is rolled back.
    fn start(
        connection: &mut Self::Connection,
        xid: &Xid,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
    /// Makes it wait for locks for seconds at most; what to hand to [`wait_again`](Self::wait_again).
    fn wait_briefly(_: &mut Self::Connection) -> impl Future<Output = Result<Option<String>, Error>> + Send {
        std::future::ready(Ok(None))
    }
    /// Makes it wait for locks as it did.
    fn wait_again(
        _: &mut Self::Connection,
        _before: Option<String>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        std::future::ready(Ok(()))
    }
    /// Ends it without keeping anything.
    fn abort(connection: &mut Self::Connection, xid: &Xid) -> impl Future<Output = Result<(), Error>> + Send;
    /// Whether the connection is still in the transaction that inserted the row with this mark, and could prepare it.
    fn can_prepare(
        connection: &mut Self::Connection,
        mark: Self::Mark,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
    /// Prepares it.
    fn prepare(
        connection: &mut Self::Connection,
        xid: &Xid,
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// Commits what is prepared; whether there was any.
    fn commit(
        connection: &mut Self::Connection,
        xid: &Xid,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
    /// Rolls back what is prepared; whether there was any.
    fn roll_back(
        connection: &mut Self::Connection,
        xid: &Xid,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
    /// The names of all that is prepared.
    fn prepared(connection: &mut Self::Connection)
    -> impl Future<Output = Result<Vec<String>, Error>> + Send;
}
