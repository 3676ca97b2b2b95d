//! SQLite.

use std::time::Duration;

use dtm_barrier::sql::{TableName, create_table_named};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool};

use crate::bank::{Bank, BarrierRow, Stage};

crate::cases::run_the_cases!(Sqlite);

fn text(template: &str, table: &TableName) -> AssertSqlSafe<String> {
    AssertSqlSafe(template.replace("{table}", &table.to_string()))
}

impl Bank for Sqlite {
    const ERRORS_END: bool = false;

    async fn open() -> Option<Stage<Self>> {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("bank"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePoolOptions::new().max_connections(20).connect_with(options).await.unwrap();
        let table = TableName::new("dtm_barrier").unwrap();
        create_table_named(&pool, &table).await.unwrap();
        let account = "CREATE TABLE account (cents INTEGER NOT NULL); INSERT INTO account (cents) VALUES (0)";
        sqlx::raw_sql(account).execute(&pool).await.unwrap();
        let another = TableName::new("another").unwrap();
        Some(Stage { pool, table, another, _guard: Box::new(folder) })
    }

    async fn impatient(stage: &Stage<Self>) -> SqlitePool {
        let options = (*stage.pool.connect_options()).clone().busy_timeout(Duration::from_secs(1));
        SqlitePool::connect_with(options).await.unwrap()
    }

    async fn add(connection: &mut SqliteConnection, cents: i64) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE account SET cents = cents + ?").bind(cents).execute(connection).await.map(|_| ())
    }

    async fn balance(pool: &SqlitePool) -> i64 {
        sqlx::query_scalar("SELECT cents FROM account").fetch_one(pool).await.unwrap()
    }

    async fn rows(stage: &Stage<Self>, gid: &str) -> Vec<BarrierRow> {
        let rows = "SELECT branch_id, op, barrier_id, reason FROM {table} WHERE gid = ? ORDER BY 1, 2, 3, 4";
        sqlx::query_as(text(rows, &stage.table)).bind(gid).fetch_all(&stage.pool).await.unwrap()
    }

    /// No SDK of DTM has a barrier in SQLite; this is how one would write.
    async fn insert_as_go(stage: &Stage<Self>, gid: &str, row: [&str; 4]) -> bool {
        let insert = "insert or ignore into {table}(trans_type, gid, branch_id, op, barrier_id, reason) values(?,?,?,?,?,?)";
        let [branch_id, op, barrier_id, reason] = row;
        let mut query = sqlx::query(text(insert, &stage.table));
        for value in ["saga", gid, branch_id, op, barrier_id, reason] {
            query = query.bind(value);
        }
        query.execute(&stage.pool).await.unwrap().rows_affected() == 1
    }

    async fn break_off(_: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        Err(sqlx::Error::WorkerCrashed)
    }

    async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(statement).execute(connection).await.map(|_| ())
    }
}
