//! PostgreSQL. DTM's tables are found by the search path: `?options[search_path]=SCHEMA` for another schema than `public`.

use std::str::FromStr;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions, Connection, Row};

use super::rows::{Look, branch, global, key_value, look};
use super::sql::{Dialect, Keyed};
use crate::{BranchRecord, GlobalRecord, ImportError, KeyValueRecord};

const LOOK: &str = "SELECT COUNT(*) AS unfinished, \
    COALESCE((SELECT MAX(id) FROM trans_global), 0)::bigint AS last, \
    EXTRACT(EPOCH FROM MAX(update_time))::bigint AS touched, \
    EXTRACT(EPOCH FROM (SELECT update_time FROM trans_global ORDER BY id DESC LIMIT 1))::bigint AS newest, \
    EXTRACT(EPOCH FROM now())::bigint AS moment, \
    (SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
        AND backend_type = 'client backend' AND state_change > now() - interval '4 seconds') AS others \
    FROM trans_global WHERE status IN ('prepared', 'submitted', 'aborting')";

const UNFINISHED: &str = "SELECT COUNT(*) FROM trans_global WHERE status NOT IN ('succeed', 'failed')";

const GLOBALS: &str = "SELECT id::bigint AS id, gid, trans_type, status, query_prepared, protocol, \
    EXTRACT(EPOCH FROM create_time)::bigint AS created, EXTRACT(EPOCH FROM update_time)::bigint AS updated, \
    EXTRACT(EPOCH FROM next_cron_time)::bigint AS next_try, next_cron_interval::bigint AS tries, options, custom_data, ext_data, \
    rollback_reason FROM trans_global WHERE id > $1 AND status NOT IN ('succeed', 'failed') \
    ORDER BY id LIMIT 200";

const BRANCHES: &str = "SELECT g.id::bigint AS id, b.branch_id, b.op, b.status, b.url, b.bin_data, \
    EXTRACT(EPOCH FROM b.finish_time)::bigint AS ended FROM trans_global g JOIN trans_branch_op b ON b.gid = g.gid \
    WHERE g.id > $1 AND g.id <= $2 AND g.status NOT IN ('succeed', 'failed') ORDER BY g.id, b.id";

const FINISHED: &str = "SELECT trans_type, status, COUNT(*) FROM trans_global \
    WHERE status IN ('succeed', 'failed') GROUP BY trans_type, status ORDER BY trans_type, status";

const KEY_VALUES: &str = "SELECT id::bigint AS id, cat, k, v FROM kv WHERE id > $1 ORDER BY id LIMIT 200";

pub(super) struct Postgres {
    connection: PgConnection,
}

impl Postgres {
    pub(super) async fn connect(address: &str) -> Result<Self, ImportError> {
        let options = PgConnectOptions::from_str(address)
            .map_err(|error| ImportError::Address(error.to_string()))?
            .disable_statement_logging();
        let mut connection = PgConnection::connect_with(&options).await?;
        let read_only = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
        sqlx::raw_sql(read_only).execute(&mut connection).await?;
        Ok(Self { connection })
    }
}

#[async_trait]
impl Dialect for Postgres {
    async fn look(&mut self) -> Result<Look, sqlx::Error> {
        look(&sqlx::query(LOOK).fetch_one(&mut self.connection).await?)
    }

    async fn unfinished(&mut self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(UNFINISHED).fetch_one(&mut self.connection).await
    }

    async fn globals(&mut self, after: i64) -> Result<Vec<Keyed<GlobalRecord>>, sqlx::Error> {
        let rows = sqlx::query(GLOBALS).bind(after).fetch_all(&mut self.connection).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, global(row)))).collect()
    }

    fn branches(&mut self, after: i64, last: i64) -> BoxStream<'_, Result<Keyed<BranchRecord>, sqlx::Error>> {
        let keyed =
            |row: Result<PgRow, sqlx::Error>| row.and_then(|row| Ok((row.try_get("id")?, branch(&row))));
        sqlx::query(BRANCHES).bind(after).bind(last).fetch(&mut self.connection).map(keyed).boxed()
    }

    async fn finished(&mut self) -> Result<Vec<(String, String, i64)>, sqlx::Error> {
        sqlx::query_as(FINISHED).fetch_all(&mut self.connection).await
    }

    async fn key_values(&mut self, after: i64) -> Result<Vec<Keyed<KeyValueRecord>>, sqlx::Error> {
        let rows = sqlx::query(KEY_VALUES).bind(after).fetch_all(&mut self.connection).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, key_value(row)))).collect()
    }
}
