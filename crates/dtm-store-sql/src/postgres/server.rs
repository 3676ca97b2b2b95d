//! How to talk to PostgreSQL.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{Error, PgConnection};

use super::error;
use crate::fault::Fault;
use crate::server::{Server, Statement, Waiting, is_mistrust};

/// Plans that are right for small tables as well as for large ones, made once a connection: without these settings
/// a plan that was made while a table was still empty reads all of it later. And what acknowledged means: on disk.
/// A process that stands still between two statements would keep what it has locked from those that take over its work,
/// so it may for less time than servers are usually silent before they are taken for dead.
const SETTINGS: &str = "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false), \
    set_config('enable_mergejoin', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false), \
    set_config('jit', 'off', false), \
    set_config('default_transaction_isolation', 'read committed', false), \
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' \
        ELSE current_setting('synchronous_commit') END, false), \
    set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', '2s', false)";

impl Server for sqlx::Postgres {
    const CALLED: &'static str = "PostgreSQL";

    const BEGIN: &'static str = "BEGIN";

    fn set_up(connection: &mut PgConnection, statement_timeout: Duration) -> Waiting<'_, ()> {
        let statement_timeout = format!("{}ms", statement_timeout.as_millis());
        Box::pin(async move {
            sqlx::query(SETTINGS).bind(statement_timeout).execute(connection).await.map(|_| ())
        })
    }

    fn fetch<'a>(
        connection: &'a mut PgConnection,
        statement: Statement<'a, Self>,
    ) -> Waiting<'a, Vec<PgRow>> {
        Box::pin(statement.fetch_all(connection))
    }

    fn change<'a>(connection: &'a mut PgConnection, statement: Statement<'a, Self>) -> Waiting<'a, u64> {
        Box::pin(async move { statement.execute(connection).await.map(|done| done.rows_affected()) })
    }

    fn run<'a>(connection: &'a mut PgConnection, statement: &'static str) -> Waiting<'a, ()> {
        Box::pin(async move { sqlx::raw_sql(statement).execute(connection).await.map(|_| ()) })
    }

    fn fault(error: Error) -> Fault {
        error::fault(error)
    }

    fn may_pass(error: &Error) -> bool {
        match error {
            Error::Io(error) => !is_mistrust(error),
            Error::Database(error) => matches!(error.code().as_deref(), Some("53300" | "57P03")),
            _ => false,
        }
    }

    fn is_read_only(error: &Error) -> bool {
        matches!(error, Error::Database(error) if error.code().as_deref() == Some("25006"))
    }
}
