//! MySQL and MariaDB.

use sqlx::{AssertSqlSafe, Error, MySql, MySqlConnection, Transaction};

use super::TableName;
use super::database::Dialect;
use super::schema::script;
use crate::row::{Found, Row};

/// Not `INSERT IGNORE`: that also ignores what is too long, or has no partition.
const INSERT: &str =
    "INSERT INTO {table} (trans_type, gid, branch_id, op, barrier_id, reason) VALUES (?, ?, ?, ?, ?, ?)";

/// Reads what is committed now, not what was when the transaction began.
const FIND: &str = "SELECT gid, branch_id, op, barrier_id, reason FROM {table} \
    WHERE gid = ? AND branch_id = ? AND op = ? AND barrier_id = ? LOCK IN SHARE MODE";

const SAVEPOINT: &str = "SAVEPOINT dtm_barrier";

/// Fails when the transaction with the savepoint has ended, whoever ended it.
const RELEASE: &str = "RELEASE SAVEPOINT dtm_barrier";

/// There is no such savepoint.
const NO_SAVEPOINT: u16 = 1305;

/// Somebody held a lock for longer than `innodb_lock_wait_timeout`.
const LOCK_WAIT: u16 = 1205;

const EXISTS: &str = "SELECT COUNT(*) FROM information_schema.tables \
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?";

const SCHEMA: &str = include_str!("../schema/mysql.sql");

fn text(template: &str, table: &TableName) -> AssertSqlSafe<String> {
    AssertSqlSafe(table.written_into(template, '`'))
}

fn number(error: &Error) -> Option<u16> {
    let error = error.as_database_error()?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?;
    Some(error.number())
}

impl Dialect for MySql {
    const BEGIN: &'static str = "BEGIN; SAVEPOINT dtm_barrier";
    const BEGIN_BACK_CHECK: &'static str = "BEGIN";
    type Mark = ();

    fn usual_table() -> TableName {
        TableName::known(Some("dtm_barrier"), "barrier")
    }

    async fn mark(connection: &mut MySqlConnection) -> Result<(), Error> {
        sqlx::raw_sql(SAVEPOINT).execute(connection).await.map(|_| ())
    }

    async fn insert(
        connection: &mut MySqlConnection,
        table: &TableName,
        row: Row<'_>,
    ) -> Result<Option<()>, Error> {
        let inserted = sqlx::query(text(INSERT, table))
            .bind(row.mode)
            .bind(row.gid)
            .bind(row.branch_id)
            .bind(row.op)
            .bind(row.barrier_id)
            .bind(row.reason)
            .execute(connection)
            .await;
        match inserted {
            Ok(_) => Ok(Some(())),
            Err(Error::Database(error)) if error.is_unique_violation() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn find(
        connection: &mut MySqlConnection,
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

    async fn is_still(connection: &mut MySqlConnection, (): ()) -> Result<bool, Error> {
        match sqlx::raw_sql(RELEASE).execute(connection).await {
            Ok(_) => Ok(true),
            Err(error) if number(&error) == Some(NO_SAVEPOINT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_lock_wait(error: &Error) -> bool {
        number(error) == Some(LOCK_WAIT)
    }

    async fn create_table(transaction: &mut Transaction<'_, Self>, table: &TableName) -> Result<(), Error> {
        let present: i64 = sqlx::query_scalar(EXISTS)
            .bind(table.schema())
            .bind(table.table())
            .fetch_one(&mut **transaction)
            .await?;
        // whoever has no right to make tables can still use those that somebody else made
        if present > 0 {
            return Ok(());
        }
        let script = script(SCHEMA, &Self::usual_table(), table, '`');
        sqlx::raw_sql(script).execute(&mut **transaction).await.map(|_| ())
    }
}
