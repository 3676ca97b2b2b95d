//! Which servers are alive, by the clock of the database.

use dtm_core::model::Timestamp;
use dtm_store::{Epoch, NodeName};
use sqlx::Row as _;

use super::MySql;
use super::error::fault;
use super::load::text;
use crate::fault::Fault;
use crate::record::timestamp;

/// Locks the row until the epoch was read. Epochs are not smaller than the time: a name whose row was removed long ago
/// never gets an epoch again.
const JOIN: &str = "INSERT INTO dtm_node (name, epoch, heartbeat, alive_for) VALUES (?, @dtm_now, @dtm_now, ?) \
    ON DUPLICATE KEY UPDATE epoch = GREATEST(epoch + 1, VALUES(epoch)), heartbeat = VALUES(heartbeat), \
    alive_for = VALUES(alive_for), left_at = NULL";

const EPOCH: &str = "SELECT epoch FROM dtm_node WHERE name = ?";

const HEARTBEAT: &str =
    "UPDATE dtm_node SET heartbeat = @dtm_now WHERE name = ? AND epoch = ? AND heartbeat IS NOT NULL";

const ALIVE: &str = "SELECT name FROM dtm_node WHERE heartbeat >= @dtm_now - COALESCE(alive_for, ?)";

const LEAVE: &str = "UPDATE dtm_node SET heartbeat = NULL, left_at = @dtm_now \
    WHERE name = ? AND epoch = ? AND heartbeat IS NOT NULL";

/// A node that was neither heard of nor said good-bye is one of a server before version 2; its epoch is small.
const FORGET: &str = "DELETE n FROM dtm_node n WHERE COALESCE(n.heartbeat, n.left_at, n.epoch) < @dtm_now - ? \
    AND NOT EXISTS (SELECT 1 FROM dtm_transaction t \
        WHERE t.holder > CONCAT(n.name, ':') AND t.holder < CONCAT(n.name, ';'))";

const NOW: &str = "SELECT CAST(@dtm_now AS SIGNED) AS now";

impl MySql {
    pub(super) async fn own_time(&self) -> Result<Timestamp, Fault> {
        let mut session = self.reader().await?;
        self.set_now(&mut session).await?;
        let row = session.row(sqlx::query(NOW)).await?;
        let row = row.ok_or_else(|| Fault::Trouble("the database does not say the time".to_owned()))?;
        timestamp(row.try_get("now").map_err(fault)?).map_err(Fault::Trouble)
    }

    pub(super) async fn start_node(&self, node: &NodeName) -> Result<Epoch, Fault> {
        let name = node.as_str().as_bytes();
        let mut session = self.writer().await?;
        self.begin_now(&mut session).await?;
        session.rows(sqlx::query(JOIN).bind(name).bind(self.node_timeout)).await?;
        let row = session.row(sqlx::query(EPOCH).bind(name)).await?;
        session.commit().await?;
        let number: Option<i64> = row.map(|row| row.try_get("epoch")).transpose().map_err(fault)?;
        let number = number.and_then(|number| u64::try_from(number).ok());
        number
            .map(Epoch)
            .ok_or_else(|| Fault::Trouble(format!("the epoch of node {} cannot be read", node.as_str())))
    }

    pub(super) async fn renew(&self, node: &NodeName, epoch: Epoch) -> Result<bool, Fault> {
        let Some(number) = number(epoch) else { return Ok(false) };
        let mut session = self.writer().await?;
        self.set_now(&mut session).await?;
        let statement = sqlx::query(HEARTBEAT).bind(node.as_str().as_bytes()).bind(number);
        Ok(session.change(statement).await? == 1)
    }

    pub(super) async fn remove_nodes(&self, dead_for: i64) -> Result<u64, Fault> {
        let mut session = self.writer().await?;
        self.set_now(&mut session).await?;
        session.change(sqlx::query(FORGET).bind(dead_for)).await
    }

    pub(super) async fn living_nodes(&self) -> Result<Vec<String>, Fault> {
        let mut session = self.reader().await?;
        self.set_now(&mut session).await?;
        let rows = session.rows(sqlx::query(ALIVE).bind(self.node_timeout)).await?;
        rows.iter().map(|row| text(row, "name").map_err(fault)).collect()
    }

    pub(super) async fn end_node(&self, node: &NodeName, epoch: Epoch) -> Result<(), Fault> {
        let Some(number) = number(epoch) else { return Ok(()) };
        let mut session = self.writer().await?;
        self.set_now(&mut session).await?;
        let statement = sqlx::query(LEAVE).bind(node.as_str().as_bytes()).bind(number);
        session.rows(statement).await.map(|_| ())
    }
}

/// An epoch that no row can have is none that ever was.
fn number(epoch: Epoch) -> Option<i64> {
    i64::try_from(epoch.0).ok()
}
