//! How to talk to MariaDB and MySQL.

use std::time::Duration;

use sqlx::mysql::MySqlRow;
use sqlx::{Error, MySqlConnection, Row as _};

use super::error;
use crate::fault::Fault;
use crate::server::{Server, Statement, Waiting, is_mistrust};

/// What does not fit is an error and is never cut off; a row that somebody else has changed is compared as it is now;
/// nobody waits for a lock for longer than for a statement.
const SETTINGS: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
    SESSION transaction_isolation = 'READ-COMMITTED', SESSION innodb_lock_wait_timeout = ?, SESSION autocommit = 1";

/// The same for MariaDB before 11.1, which has another name for the isolation.
const SETTINGS_OLD: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
    SESSION tx_isolation = 'READ-COMMITTED', SESSION innodb_lock_wait_timeout = ?, SESSION autocommit = 1";

/// MariaDB only: it counts seconds, and all kinds of statements.
const TIMEOUT_MARIADB: &str = "SET SESSION max_statement_time = ?";

/// MySQL only: it counts milliseconds, and reads only; writes end by the time-out of locks.
const TIMEOUT_MYSQL: &str = "SET SESSION max_execution_time = ?";

/// MariaDB only: a process that stands still between two statements would keep what it has locked from those that take
/// over its work. In whole seconds, and less than servers are usually silent before they are taken for dead.
const IDLE_MARIADB: &str = "SET SESSION idle_transaction_timeout = 2";

/// A variable that this server does not know.
const UNKNOWN_VARIABLE: u16 = 1193;

impl Server for sqlx::MySql {
    const CALLED: &'static str = "MariaDB/MySQL";

    const BEGIN: &'static str = "START TRANSACTION";

    fn set_up(connection: &mut MySqlConnection, statement_timeout: Duration) -> Waiting<'_, ()> {
        Box::pin(async move {
            let seconds = statement_timeout.as_secs().max(1);
            let set = sqlx::query(SETTINGS).bind(seconds).execute(&mut *connection).await;
            match set {
                Err(error) if error::number(&error) == Some(UNKNOWN_VARIABLE) => {
                    sqlx::query(SETTINGS_OLD).bind(seconds).execute(&mut *connection).await?;
                }
                other => {
                    other?;
                }
            }
            let row = sqlx::query("SELECT VERSION() LIKE '%MariaDB%'").fetch_one(&mut *connection).await?;
            let mariadb: i64 = row.try_get(0)?;
            let timeout = if mariadb == 1 {
                sqlx::query(TIMEOUT_MARIADB).bind(statement_timeout.as_secs_f64())
            } else {
                sqlx::query(TIMEOUT_MYSQL)
                    .bind(u64::try_from(statement_timeout.as_millis()).unwrap_or(u64::MAX))
            };
            timeout.execute(&mut *connection).await?;
            if mariadb == 1 {
                sqlx::query(IDLE_MARIADB).execute(connection).await?;
            }
            Ok(())
        })
    }

    fn fetch<'a>(
        connection: &'a mut MySqlConnection,
        statement: Statement<'a, Self>,
    ) -> Waiting<'a, Vec<MySqlRow>> {
        Box::pin(statement.fetch_all(connection))
    }

    fn change<'a>(connection: &'a mut MySqlConnection, statement: Statement<'a, Self>) -> Waiting<'a, u64> {
        Box::pin(async move { statement.execute(connection).await.map(|done| done.rows_affected()) })
    }

    fn run<'a>(connection: &'a mut MySqlConnection, statement: &'static str) -> Waiting<'a, ()> {
        Box::pin(async move { sqlx::raw_sql(statement).execute(connection).await.map(|_| ()) })
    }

    fn fault(error: Error) -> Fault {
        error::fault(error)
    }

    fn may_pass(error: &Error) -> bool {
        matches!(error, Error::Io(error) if !is_mistrust(error))
            || matches!(error::number(error), Some(1040 | 1053 | 1203 | 1226))
    }

    fn is_read_only(error: &Error) -> bool {
        matches!(error::number(error), Some(1290 | 1792 | 1836))
    }
}
