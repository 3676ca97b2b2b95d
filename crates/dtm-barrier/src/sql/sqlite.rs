//! SQLite.

use sqlx::{AssertSqlSafe, Error, Sqlite, SqliteConnection, Transaction};

use super::TableName;
use super::database::Dialect;
use super::schema::script;
use crate::row::{Found, Row};

const INSERT: &str = "INSERT INTO {table} (trans_type, gid, branch_id, op, barrier_id, reason) \
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (gid, branch_id, op, barrier_id) DO NOTHING";

const FIND: &str = "SELECT gid, branch_id, op, barrier_id, reason FROM {table} \
    WHERE gid = ? AND branch_id = ? AND op = ? AND barrier_id = ?";

const SAVEPOINT: &str = "SAVEPOINT dtm_barrier";

/// Fails when the transaction with the savepoint has ended, whoever ended it.
const RELEASE: &str = "RELEASE SAVEPOINT dtm_barrier";

/// What SQLite says then; its code is that of any mistake in SQL.
const NO_SAVEPOINT: &str = "no such savepoint";

/// `SQLITE_BUSY` and `SQLITE_LOCKED`, in the low byte of an extended code.
const LOCKED: [i32; 2] = [5, 6];

const SCHEMA: &str = include_str!("../schema/sqlite.sql");

fn text(template: &str, table: &TableName) -> AssertSqlSafe<String> {
    AssertSqlSafe(table.written_into(template, '"'))
}

impl Dialect for Sqlite {
    /// At once as a writer: a reader that becomes one is refused, and not made to wait, when another has written meanwhile.
    const BEGIN: &'static str = "BEGIN IMMEDIATE; SAVEPOINT dtm_barrier";
    const BEGIN_BACK_CHECK: &'static str = "BEGIN IMMEDIATE";
    type Mark = ();

    fn usual_table() -> TableName {
        TableName::known(None, "dtm_barrier")
    }

    async fn mark(connection: &mut SqliteConnection) -> Result<(), Error> {
        sqlx::raw_sql(SAVEPOINT).execute(connection).await.map(|_| ())
    }

    async fn insert(
        connection: &mut SqliteConnection,
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
            .await?;
        Ok((inserted.rows_affected() > 0).then_some(()))
    }

    async fn find(
        connection: &mut SqliteConnection,
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

    async fn is_still(connection: &mut SqliteConnection, (): ()) -> Result<bool, Error> {
        match sqlx::raw_sql(RELEASE).execute(connection).await {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) if error.message().starts_with(NO_SAVEPOINT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// SQLite rolls back by itself after some errors, a full disk for example. A rollback then fails, and sqlx gives out a
    /// connection that it takes for one in a transaction.
    async fn before_rollback(connection: &mut SqliteConnection) {
        // inside a transaction this fails and changes nothing
        sqlx::raw_sql("BEGIN").execute(connection).await.ok();
    }

    fn is_lock_wait(error: &Error) -> bool {
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
        code.is_some_and(|code| LOCKED.contains(&(code & 0xff)))
    }

    async fn create_table(transaction: &mut Transaction<'_, Self>, table: &TableName) -> Result<(), Error> {
        let script = script(SCHEMA, &Self::usual_table(), table, '"');
        sqlx::raw_sql(script).execute(&mut **transaction).await.map(|_| ())
    }
}
