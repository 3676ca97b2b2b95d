//! PostgreSQL.

use sqlx::{AssertSqlSafe, Connection as _, Error, PgConnection, Postgres};

use super::database::Commands;
use super::xid::Xid;
use crate::sql::Dialect as _;

/// There is no such transaction.
const NO_SUCH: &str = "42704";

/// How long it waits for a lock.
const WAITS: &str = "SELECT current_setting('lock_timeout')";

/// Until the transaction ends.
const WAIT: &str = "SELECT set_config('lock_timeout', $1, true)";

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

    async fn start(connection: &mut PgConnection, _: &Xid) -> Result<bool, Error> {
        // It is ended by other means than sqlx's. Until then sqlx knows of it, and makes a savepoint of a transaction inside.
        std::mem::forget(connection.begin().await?);
        Ok(true)
    }

    /// It asks for the name only when it prepares. So two of one name meet at the row of the first phase, which may be that of
    /// a prepared transaction: then this would wait until somebody finishes it.
    async fn wait_briefly(connection: &mut PgConnection) -> Result<Option<String>, Error> {
        let before = sqlx::query_scalar(WAITS).fetch_one(&mut *connection).await?;
        sqlx::query(WAIT).bind("2s").execute(connection).await?;
        Ok(Some(before))
    }

    async fn wait_again(connection: &mut PgConnection, before: Option<String>) -> Result<(), Error> {
        sqlx::query(WAIT).bind(before).execute(connection).await.map(|_| ())
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
}
