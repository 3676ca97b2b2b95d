//! What a dialect brings along: everything that is SQL.

use std::fmt;

use dtm_core::model::{Gid, Timestamp};
use dtm_store::{Claims, Epoch, Filter, NodeName, Rescheduled, Subscriber, Topic};

use crate::fault::Fault;
use crate::lease::Wanted;
use crate::operation::Operation;
use crate::record::{HeadRecord, Record};

/// One database. Each method is one atomic write or one consistent read.
#[async_trait::async_trait]
pub(crate) trait Database: fmt::Debug + Send + Sync + 'static {
    /// What logs and metrics call it.
    fn name(&self) -> &'static str;

    /// Whether a batch of only creations, or of only states, is much cheaper than a mixed one.
    fn prefers_one_kind(&self) -> bool;

    /// Executes operations of different transactions, sorted by gid, as one durable write. Says of each whether it
    /// took effect; one that did not has changed nothing.
    async fn write(&self, operations: &[&Operation]) -> Result<Vec<bool>, Fault>;

    /// What writes of these transactions are compared with.
    async fn heads(&self, gids: &[String]) -> Result<Vec<HeadRecord>, Fault>;

    async fn load(&self, gid: &Gid) -> Result<Option<Record>, Fault>;

    /// Gives what can be claimed a token each. Records that cannot be read stay as they are.
    async fn claim(&self, wanted: &Wanted<'_>) -> Result<Claims, Fault>;

    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: i64,
        except: &NodeName,
    ) -> Result<Rescheduled, Fault>;

    /// Rows with smaller ids, largest first, without branches.
    async fn scan(&self, filter: &Filter, before: i64, limit: i64) -> Result<Vec<Record>, Fault>;

    async fn purge(&self, finished_before: i64, limit: usize) -> Result<usize, Fault>;

    async fn load_topic(&self, name: &str) -> Result<Option<Topic>, Fault>;

    async fn save_topic(
        &self,
        name: &str,
        subscribers: &[Subscriber],
        expected: Option<&Topic>,
    ) -> Result<u64, Fault>;

    /// Whether there was one.
    async fn delete_topic(&self, name: &str) -> Result<bool, Fault>;

    /// Topics behind that name, by name.
    async fn scan_topics(&self, after: Option<&str>, limit: i64) -> Result<Vec<Topic>, Fault>;

    async fn join(&self, node: &NodeName) -> Result<Epoch, Fault>;

    /// Whether that start of the node has joined, has not left and was not replaced.
    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<bool, Fault>;

    /// Those that were not heard of for so many milliseconds and hold nothing.
    async fn forget_dead(&self, dead_for: i64) -> Result<u64, Fault>;

    /// By its own clock.
    async fn now(&self) -> Result<Timestamp, Fault>;

    /// The names of the nodes that are alive.
    async fn alive(&self) -> Result<Vec<String>, Fault>;

    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Fault>;

    /// Answers when the database can be written.
    async fn health(&self) -> Result<(), Fault>;

    async fn close(&self);
}
