//! MySQL and MariaDB.

use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, Error, MySql, MySqlConnection, Row as _};

use super::database::Commands;
use super::xid::Xid;

/// There is no such transaction, or another connection has it.
const NO_SUCH: u16 = 1397;

/// There is one already.
const THERE: u16 = 1440;

async fn execute(connection: &mut MySqlConnection, command: &str, xid: &Xid) -> Result<(), Error> {
    let statement = format!("{command} {}", xid.hexadecimal());
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(|_| ())
}

fn number(error: &Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// Whether there was one.
fn found(result: Result<(), Error>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if number(&error) == Some(NO_SUCH) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Commands for MySql {
    const XID_MAX: usize = 64;

    async fn start(connection: &mut MySqlConnection, xid: &Xid) -> Result<bool, Error> {
        match execute(connection, "XA START", xid).await {
            Ok(()) => Ok(true),
            Err(error) if number(&error) == Some(THERE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn abort(connection: &mut MySqlConnection, xid: &Xid) -> Result<(), Error> {
        // one that has failed is idle by itself
        execute(connection, "XA END", xid).await.ok();
        execute(connection, "XA ROLLBACK", xid).await
    }

    /// Inside XA it refuses to commit, and to prepare what it has rolled back.
    async fn can_prepare(_: &mut MySqlConnection, (): ()) -> Result<bool, Error> {
        Ok(true)
    }

    async fn prepare(connection: &mut MySqlConnection, xid: &Xid) -> Result<(), Error> {
        execute(connection, "XA END", xid).await?;
        execute(connection, "XA PREPARE", xid).await
    }

    async fn commit(connection: &mut MySqlConnection, xid: &Xid) -> Result<bool, Error> {
        found(execute(connection, "XA COMMIT", xid).await)
    }

    async fn roll_back(connection: &mut MySqlConnection, xid: &Xid) -> Result<bool, Error> {
        found(execute(connection, "XA ROLLBACK", xid).await)
    }

    async fn prepared(connection: &mut MySqlConnection) -> Result<Vec<String>, Error> {
        let rows = sqlx::raw_sql("XA RECOVER").fetch_all(connection).await?;
        let mut names = Vec::new();
        for row in rows {
            let name: Vec<u8> = row.try_get_unchecked("data")?;
            // ours are text, and others are not ours
            names.extend(String::from_utf8(name));
        }
        Ok(names)
    }
}
