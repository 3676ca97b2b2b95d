//! PostgreSQL.

use sqlx::{AssertSqlSafe, Connection as _, Error, PgConnection, Postgres};

use super::database::Commands;
use super::xid::Xid;
use crate::sql::Dialect as _;

/// There is no such transaction.
const NO_SUCH: &str = "42704";

/// There is one already.
const THERE: &str = "42710";

const PREPARED: &str =
    "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared";

async fn execute(connection: &mut PgConnection, command: &str, xid: &Xid) -> Result<(), Error> {
    let statement = format!("{command} {}", xid.escaped());
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(|_| ())
}

fn has_code(error: &Error, code: &str) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|found| found == code)
}

/// Whether there was one.
fn found(result: Result<(), Error>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if has_code(&error, NO_SUCH) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Commands for Postgres {
    const XID_MAX: usize = 199;

    async fn start(connection: &mut PgConnection, _: &Xid) -> Result<(), Error> {
        // It is ended by other means than sqlx's. Until then sqlx knows of it, and makes a savepoint of a transaction inside.
        std::mem::forget(connection.begin().await?);
        Ok(())
    }

    async fn abort(connection: &mut PgConnection, _: &Xid) -> Result<(), Error> {
        sqlx::raw_sql("ROLLBACK").execute(connection).await.map(|_| ())
    }

    /// It answers `PREPARE TRANSACTION` after an error that nobody passed on like one that keeps everything.
    async fn can_prepare(connection: &mut PgConnection, mark: i64) -> Result<bool, Error> {
        Self::is_still(connection, mark).await
    }

    async fn prepare(connection: &mut PgConnection, xid: &Xid) -> Result<(), Error> {
        execute(connection, "PREPARE TRANSACTION", xid).await
    }

    async fn commit(connection: &mut PgConnection, xid: &Xid) -> Result<bool, Error> {
        found(execute(connection, "COMMIT PREPARED", xid).await)
    }

    async fn roll_back(connection: &mut PgConnection, xid: &Xid) -> Result<bool, Error> {
        found(execute(connection, "ROLLBACK PREPARED", xid).await)
    }

    async fn prepared(connection: &mut PgConnection) -> Result<Vec<String>, Error> {
        sqlx::query_scalar(PREPARED).fetch_all(connection).await
    }

    fn is_there(error: &Error) -> bool {
        has_code(error, THERE)
    }
}
