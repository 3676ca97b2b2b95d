//! PostgreSQL.

use sqlx::{AssertSqlSafe, Error, PgConnection, Postgres, Transaction};

use super::TableName;
use super::database::Dialect;
use super::schema::script;
use crate::row::{Found, Row};

/// Names the columns and not the constraint, so that any table with such a key will do. What it returns is the same until
/// the transaction ends.
const INSERT: &str = "INSERT INTO {table} (trans_type, gid, branch_id, op, barrier_id, reason) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (gid, branch_id, op, barrier_id) DO NOTHING RETURNING txid_current()";

const FIND: &str = "SELECT gid, branch_id, op, barrier_id, reason FROM {table} \
    WHERE gid = $1 AND branch_id = $2 AND op = $3 AND barrier_id = $4";

/// Another value, or none, when the transaction has ended. It fails after an error that nobody passed on: then COMMIT would
/// roll back, and say nothing about it.
const CURRENT: &str = "SELECT txid_current_if_assigned()";

/// Nothing is executed in a transaction after an error.
const ABORTED: &str = "25P02";

/// Somebody held a lock for longer than `lock_timeout`.
const LOCK_WAIT: &str = "55P03";

const EXISTS: &str = "SELECT to_regclass($1) IS NOT NULL";

/// `CREATE .. IF NOT EXISTS` by two at the same time fails for one of them.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(hashtextextended('dtm_barrier', 0))";

const SCHEMA: &str = include_str!("../schema/postgres.sql");

fn text(template: &str, table: &TableName) -> AssertSqlSafe<String> {
    AssertSqlSafe(table.written_into(template, '"'))
}

fn has_code(error: &Error, code: &str) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|found| found == code)
}

impl Dialect for Postgres {
    const BEGIN: &'static str = "BEGIN";
    /// Nobody waits for the answer to a back-check for long.
    const BEGIN_BACK_CHECK: &'static str = "BEGIN; SET LOCAL lock_timeout = '2s'";
    type Mark = i64;

    fn usual_table() -> TableName {
        TableName::known(Some("dtm_barrier"), "barrier")
    }

    async fn mark(_: &mut PgConnection) -> Result<(), Error> {
        Ok(())
    }

    async fn insert(
        connection: &mut PgConnection,
        table: &TableName,
        row: Row<'_>,
    ) -> Result<Option<i64>, Error> {
        sqlx::query_scalar(text(INSERT, table))
            .bind(row.mode)
            .bind(row.gid)
            .bind(row.branch_id)
            .bind(row.op)
            .bind(row.barrier_id)
            .bind(row.reason)
            .fetch_optional(connection)
            .await
    }

    async fn find(
        connection: &mut PgConnection,
        table: &TableName,
        row: Row<'_>,
    ) -> Result<Option<Found>, Error> {
        sqlx::query_as(text(FIND, table))
            .bind(row.gid)
            .bind(row.branch_id)
            .bind(row.op)
            .bind(row.barrier_id)
            .fetch_optional(connection)
            .await
    }

    async fn is_still(connection: &mut PgConnection, mark: i64) -> Result<bool, Error> {
        match sqlx::query_scalar::<_, Option<i64>>(CURRENT).fetch_one(connection).await {
            Ok(current) => Ok(current == Some(mark)),
            Err(error) if has_code(&error, ABORTED) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_lock_wait(error: &Error) -> bool {
        has_code(error, LOCK_WAIT)
    }

    async fn create_table(transaction: &mut Transaction<'_, Self>, table: &TableName) -> Result<(), Error> {
        sqlx::query(ONE_AT_A_TIME).execute(&mut **transaction).await?;
        let quoted = table.written_into("{table}", '"');
        let present: bool = sqlx::query_scalar(EXISTS).bind(quoted).fetch_one(&mut **transaction).await?;
        // whoever has no right to make tables can still use those that somebody else made
        if present {
            return Ok(());
        }
        let script = script(SCHEMA, &Self::usual_table(), table, '"');
        sqlx::raw_sql(script).execute(&mut **transaction).await.map(|_| ())
    }
}
