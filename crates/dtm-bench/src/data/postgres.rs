//! A database in PostgreSQL.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::Counts;
use crate::arguments::ServiceArguments;

/// A database of its own.
pub(crate) struct PostgresData {
    host: String,
    port: u16,
    user: String,
    password: String,
    name: String,
}

/// Only a transaction that writes gets a number.
const WRITES: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";

/// PostgreSQL 14 to 17 count syncs of the log here; 18 does elsewhere.
const SYNCS: &str = "SELECT wal_sync FROM pg_stat_wal";

const FILL: &str = "INSERT INTO dtm_transaction (gid, mode, status, created, recorded, updated, due, finished, owner, held, \
    holder, registered, definition, state) SELECT 'fill-' || number, one.mode, one.status, one.created, one.recorded, \
    one.updated, one.due, one.finished, one.owner, one.held, one.holder, one.registered, one.definition, one.state FROM \
    (SELECT * FROM dtm_transaction WHERE status = 'succeed' LIMIT 1) AS one, generate_series($1::bigint, $2::bigint) AS number";

/// Rows that one statement copies.
const CHUNK: u64 = 500_000;

impl PostgresData {
    pub(super) async fn make(services: &ServiceArguments, name: String) -> crate::Result<Self> {
        let port = services
            .postgres_port
            .ok_or("POSTGRES_PORT is not set: --postgres-port, or bash tests/services/postgres.sh start")?;
        let data = Self {
            host: services.postgres_host.clone(),
            port,
            user: services.postgres_user.clone(),
            password: services.postgres_password.clone(),
            name,
        };
        let create = format!("CREATE DATABASE {}", data.name);
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut data.connect("postgres").await?).await?;
        Ok(data)
    }

    async fn connect(&self, database: &str) -> crate::Result<PgConnection> {
        let options = PgConnectOptions::new()
            .host(&self.host)
            .port(self.port)
            .username(&self.user)
            .password(&self.password)
            .database(database)
            .disable_statement_logging();
        Ok(options
            .connect()
            .await
            .map_err(|error| format!("PostgreSQL at {}:{}: {error}", self.host, self.port))?)
    }

    pub(super) async fn remove(&self) -> crate::Result {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut self.connect("postgres").await?).await?;
        Ok(())
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("STORE_DRIVER", "postgres".to_owned()),
            ("STORE_HOST", self.host.clone()),
            ("STORE_PORT", self.port.to_string()),
            ("STORE_USER", self.user.clone()),
            ("STORE_PASSWORD", self.password.clone()),
            ("STORE_DB", self.name.clone()),
        ]
    }

    pub(super) fn url(&self) -> String {
        let Self { host, port, user, password, name } = self;
        format!("postgres://{user}:{password}@{host}:{port}/{name}")
    }

    /// Transactions that wrote and syncs of the log, of the whole server. A connection reports when it ends: the
    /// figures are complete once the server has disconnected, which is awaited here.
    pub(super) async fn counts(&self) -> crate::Result<Counts> {
        let mut connection = self.connect("postgres").await?;
        for _ in 0..100 {
            let open: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = $1")
                .bind(&self.name)
                .fetch_one(&mut connection)
                .await?;
            if open == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let writes: i64 = sqlx::query_scalar(WRITES).fetch_one(&mut connection).await?;
        // A server that counts elsewhere does not tell.
        let syncs: Option<i64> = sqlx::query_scalar(SYNCS).fetch_one(&mut connection).await.ok();
        let count = |value: i64| u64::try_from(value).ok();
        Ok(Counts { writes: count(writes), syncs: syncs.and_then(count) })
    }

    /// Runs DTM's script on this database.
    pub(super) async fn run(&self, script: &str) -> crate::Result {
        let script = AssertSqlSafe(script.to_owned());
        sqlx::raw_sql(script).execute(&mut self.connect(&self.name).await?).await?;
        Ok(())
    }

    /// Copies a finished transaction until there are `rows`; returns how many there are.
    pub(super) async fn fill(&self, rows: u64) -> crate::Result<u64> {
        let mut connection = self.connect(&self.name).await?;
        loop {
            let (count, last): (i64, i64) =
                sqlx::query_as("SELECT count(*), coalesce(max(id), 0) FROM dtm_transaction")
                    .fetch_one(&mut connection)
                    .await?;
            let count = u64::try_from(count)?;
            eprintln!("  {count} of {rows} rows");
            if count >= rows {
                sqlx::raw_sql("VACUUM ANALYZE dtm_transaction").execute(&mut connection).await?;
                // Writing back is cost of the filling. It needs a right that not everybody has.
                if let Err(error) = sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await {
                    eprintln!("  the next figures include writing back what was filled: {error}");
                }
                return Ok(count);
            }
            let chunk = i64::try_from((rows - count).min(CHUNK))?;
            let copied = sqlx::query(FILL).bind(last + 1).bind(last + chunk).execute(&mut connection).await?;
            if copied.rows_affected() == 0 {
                return Err("there is no finished transaction to copy".into());
            }
        }
    }
}
