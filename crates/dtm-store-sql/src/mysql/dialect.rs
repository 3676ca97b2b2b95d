//! MariaDB and MySQL as one of the databases.

use dtm_core::model::{Gid, Timestamp};
use dtm_store::{Claims, Epoch, Filter, NodeName, Rescheduled, Subscriber, Topic};
use sqlx::Row as _;

use super::MySql;
use super::error::fault;
use crate::database::Database;
use crate::fault::Fault;
use crate::lease::Wanted;
use crate::operation::Operation;
use crate::record::{HeadRecord, Record};

const HEALTH: &str = "SELECT CAST(@@global.read_only AS SIGNED) AS read_only";

#[async_trait::async_trait]
impl Database for MySql {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn prefers_one_kind(&self) -> bool {
        true
    }

    async fn write(&self, operations: &[&Operation]) -> Result<Vec<bool>, Fault> {
        self.write_all(operations).await
    }

    async fn heads(&self, gids: &[String]) -> Result<Vec<HeadRecord>, Fault> {
        self.read_heads(gids).await
    }

    async fn load(&self, gid: &Gid) -> Result<Option<Record>, Fault> {
        self.read(gid).await
    }

    async fn claim(&self, wanted: &Wanted<'_>) -> Result<Claims, Fault> {
        self.claim_all(wanted).await
    }

    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: i64,
        except: &NodeName,
    ) -> Result<Rescheduled, Fault> {
        self.reschedule_some(later_than, limit, except).await
    }

    async fn scan(&self, filter: &Filter, before: i64, limit: i64) -> Result<Vec<Record>, Fault> {
        self.list(filter, before, limit).await
    }

    async fn purge(&self, finished_before: i64, limit: usize) -> Result<usize, Fault> {
        self.remove_old(finished_before, limit).await
    }

    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Fault> {
        self.topic(name).await
    }

    async fn save_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Fault> {
        self.write_topic(name, subscribers, expected).await
    }

    async fn delete_topic(&self, name: &str) -> Result<bool, Fault> {
        self.remove_topic(name).await
    }

    async fn scan_topics(&self, after: Option<&str>, limit: i64) -> Result<Vec<Topic>, Fault> {
        self.list_topics(after, limit).await
    }

    async fn join(&self, node: &NodeName) -> Result<Epoch, Fault> {
        self.start_node(node).await
    }

    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<bool, Fault> {
        self.renew(node, epoch).await
    }

    async fn forget_dead(&self, dead_for: i64) -> Result<u64, Fault> {
        self.remove_nodes(dead_for).await
    }

    async fn now(&self) -> Result<Timestamp, Fault> {
        self.own_time().await
    }

    async fn alive(&self) -> Result<Vec<String>, Fault> {
        self.living_nodes().await
    }

    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Fault> {
        self.end_node(node, epoch).await
    }

    async fn health(&self) -> Result<(), Fault> {
        let row = self.reader().await?.row(sqlx::query(HEALTH)).await?;
        let read_only: i64 = row.map_or(Ok(1), |row| row.try_get("read_only")).map_err(fault)?;
        if read_only != 0 {
            return Err(Fault::Trouble(
                "MariaDB/MySQL is read-only: point the store at the primary".to_owned(),
            ));
        }
        Ok(())
    }

    async fn close(&self) {
        self.end().await;
    }
}
