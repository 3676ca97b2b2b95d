//! MariaDB and MySQL. DTM writes its local time there; see `connect`.

use std::str::FromStr;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{ConnectOptions, Connection, Row};

use super::rows::{Look, branch, global, key_value, look};
use super::sql::{Dialect, Keyed};
use crate::{BranchRecord, GlobalRecord, ImportError, KeyValueRecord};

const LOOK: &str = "SELECT COUNT(*) AS unfinished, \
    CAST(COALESCE((SELECT MAX(id) FROM trans_global), 0) AS SIGNED) AS last, \
    CAST(UNIX_TIMESTAMP(MAX(update_time)) AS SIGNED) AS touched, \
    CAST(UNIX_TIMESTAMP((SELECT update_time FROM trans_global ORDER BY id DESC LIMIT 1)) AS SIGNED) AS newest, \
    CAST(UNIX_TIMESTAMP() AS SIGNED) AS moment, \
    (SELECT COUNT(*) FROM information_schema.processlist \
        WHERE db = DATABASE() AND id <> CONNECTION_ID() AND time < 4) AS others \
    FROM trans_global WHERE status IN ('prepared', 'submitted', 'aborting')";

const UNFINISHED: &str = "SELECT COUNT(*) FROM trans_global WHERE status NOT IN ('succeed', 'failed')";

const GLOBALS: &str = "SELECT CAST(id AS SIGNED) AS id, gid, trans_type, status, query_prepared, protocol, \
    CAST(UNIX_TIMESTAMP(create_time) AS SIGNED) AS created, CAST(UNIX_TIMESTAMP(update_time) AS SIGNED) AS updated, \
    CAST(UNIX_TIMESTAMP(next_cron_time) AS SIGNED) AS next_try, CAST(next_cron_interval AS SIGNED) AS tries, options, custom_data, ext_data, \
    rollback_reason FROM trans_global WHERE id > ? AND status NOT IN ('succeed', 'failed') \
    ORDER BY id LIMIT 200";

const BRANCHES: &str = "SELECT CAST(g.id AS SIGNED) AS id, b.branch_id, b.op, b.status, b.url, b.bin_data, \
    CAST(UNIX_TIMESTAMP(b.finish_time) AS SIGNED) AS ended FROM trans_global g JOIN trans_branch_op b ON b.gid = g.gid \
    WHERE g.id > ? AND g.id <= ? AND g.status NOT IN ('succeed', 'failed') ORDER BY g.id, b.id";

const FINISHED: &str = "SELECT trans_type, status, COUNT(*) FROM trans_global \
    WHERE status IN ('succeed', 'failed') GROUP BY trans_type, status ORDER BY trans_type, status";

const KEY_VALUES: &str =
    "SELECT CAST(id AS SIGNED) AS id, cat, k, v FROM kv WHERE id > ? ORDER BY id LIMIT 200";

pub(super) struct MySql {
    connection: MySqlConnection,
}

impl MySql {
    /// DTM needs its own time zone and that of the database to be the same, so that of the database is taken unless
    /// another one is given.
    pub(super) async fn connect(address: &str, time_zone: Option<&str>) -> Result<Self, ImportError> {
        let options = MySqlConnectOptions::from_str(address)
            .map_err(|error| ImportError::Address(error.to_string()))?
            .disable_statement_logging();
        let mut connection = MySqlConnection::connect_with(&options).await?;
        sqlx::raw_sql("SET SESSION TRANSACTION READ ONLY").execute(&mut connection).await?;
        match time_zone {
            Some(zone) => sqlx::query("SET time_zone = ?").bind(zone).execute(&mut connection).await,
            None => sqlx::raw_sql("SET time_zone = @@global.time_zone").execute(&mut connection).await,
        }?;
        Ok(Self { connection })
    }
}

#[async_trait]
impl Dialect for MySql {
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
            |row: Result<MySqlRow, sqlx::Error>| row.and_then(|row| Ok((row.try_get("id")?, branch(&row))));
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
