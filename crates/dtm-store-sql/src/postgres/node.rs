//! Which servers are alive, by the clock of the database.

use dtm_core::model::Timestamp;
use dtm_store::{Epoch, NodeName};
use sqlx::Row as _;

use super::Postgres;
use super::error::fault;
use super::sql::now;
use crate::fault::Fault;
use crate::record::timestamp;

/// Epochs are not smaller than the time: a name whose row was removed long ago never gets an epoch again.
const JOIN: &str = concat!(
    "WITH clock AS MATERIALIZED (SELECT ",
    now!(),
    " AS now) INSERT INTO dtm_node AS n (name, epoch, heartbeat, alive_for) \
    SELECT $2::text, clock.now, clock.now, $3::bigint FROM clock \
    ON CONFLICT (name) DO UPDATE SET epoch = greatest(n.epoch + 1, excluded.epoch), heartbeat = excluded.heartbeat, \
        alive_for = excluded.alive_for, left_at = NULL RETURNING n.epoch"
);

const HEARTBEAT: &str = concat!(
    "UPDATE dtm_node SET heartbeat = ",
    now!(),
    " WHERE name = $2 AND epoch = $3 AND heartbeat IS NOT NULL RETURNING epoch"
);

const ALIVE: &str =
    concat!("SELECT name FROM dtm_node WHERE heartbeat >= ", now!(), " - COALESCE(alive_for, $2)");

const LEAVE: &str = concat!(
    "UPDATE dtm_node SET heartbeat = NULL, left_at = ",
    now!(),
    " WHERE name = $2 AND epoch = $3 AND heartbeat IS NOT NULL"
);

/// A node that was neither heard of nor said good-bye is one of a server before version 2; its epoch is small.
const FORGET: &str = concat!(
    "WITH clock AS MATERIALIZED (SELECT ",
    now!(),
    " AS now) DELETE FROM dtm_node n USING clock \
    WHERE coalesce(n.heartbeat, n.left_at, n.epoch) < clock.now - $2::bigint \
    AND NOT EXISTS (SELECT 1 FROM dtm_transaction t WHERE t.holder > n.name || ':' AND t.holder < n.name || ';')"
);

const NOW: &str = concat!("SELECT ", now!(), " AS now");

impl Postgres {
    pub(super) async fn own_time(&self) -> Result<Timestamp, Fault> {
        let row = self.reader().await?.row(sqlx::query(NOW).bind(self.given_now())).await?;
        let row = row.ok_or_else(|| Fault::Trouble("the database does not say the time".to_owned()))?;
        timestamp(row.try_get("now").map_err(fault)?).map_err(Fault::Trouble)
    }

    pub(super) async fn start_node(&self, node: &NodeName) -> Result<Epoch, Fault> {
        let statement = sqlx::query(JOIN).bind(self.given_now()).bind(node.as_str()).bind(self.node_timeout);
        let row = self.writer().await?.row(statement).await?;
        let number: Option<i64> = row.map(|row| row.try_get("epoch")).transpose().map_err(fault)?;
        let number = number.and_then(|number| u64::try_from(number).ok());
        number
            .map(Epoch)
            .ok_or_else(|| Fault::Trouble(format!("the epoch of node {} cannot be read", node.as_str())))
    }

    pub(super) async fn renew(&self, node: &NodeName, epoch: Epoch) -> Result<bool, Fault> {
        let Some(number) = number(epoch) else { return Ok(false) };
        let statement = sqlx::query(HEARTBEAT).bind(self.given_now()).bind(node.as_str()).bind(number);
        Ok(self.writer().await?.row(statement).await?.is_some())
    }

    pub(super) async fn remove_nodes(&self, dead_for: i64) -> Result<u64, Fault> {
        let statement = sqlx::query(FORGET).bind(self.given_now()).bind(dead_for);
        self.writer().await?.change(statement).await
    }

    pub(super) async fn living_nodes(&self) -> Result<Vec<String>, Fault> {
        let statement = sqlx::query(ALIVE).bind(self.given_now()).bind(self.node_timeout);
        let rows = self.reader().await?.rows(statement).await?;
        rows.iter().map(|row| row.try_get("name").map_err(fault)).collect()
    }

    pub(super) async fn end_node(&self, node: &NodeName, epoch: Epoch) -> Result<(), Fault> {
        let Some(number) = number(epoch) else { return Ok(()) };
        let statement = sqlx::query(LEAVE).bind(self.given_now()).bind(node.as_str()).bind(number);
        self.writer().await?.rows(statement).await.map(|_| ())
    }
}

/// An epoch that no row can have is none that ever was.
fn number(epoch: Epoch) -> Option<i64> {
    i64::try_from(epoch.0).ok()
}
