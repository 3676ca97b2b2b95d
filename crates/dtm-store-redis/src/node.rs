//! Which servers are alive, by the clock of the Redis that has their heartbeats.

use std::collections::BTreeSet;
use std::time::Duration;

use dtm_core::model::Timestamp;
use dtm_store::{Epoch, NodeName};

use crate::client::Kind;
use crate::fault::Fault;
use crate::reply::{read, strange};
use crate::scripts::{ALIVE, HEARTBEAT, JOIN, LEAVE, NOW};
use crate::store::Redis;

/// How long a node that neither renews its heartbeat nor leaves is remembered: a day.
const REMEMBERED: u64 = 86_400_000;

impl Redis {
    pub(crate) async fn join(&self, node: &NodeName) -> Result<Epoch, Fault> {
        let keys = [self.keys.shared("epoch"), self.keys.shared("nodes")];
        let call = JOIN
            .call(self.keys.everywhere(), &keys)
            .arg(self.given_now())
            .arg(node.as_str())
            .arg(REMEMBERED.max(self.node_timeout.saturating_mul(10)))
            .arg(self.node_timeout);
        let text: String = read(self.client.run_one(Kind::Write, call).await?)?;
        text.parse().map(Epoch).map_err(|_| strange(&format!("'{text}' is no epoch")))
    }

    /// Whether that start of the node has joined, has not left and was not replaced. A connection that is silent costs a
    /// third of the node time-out, so that the next one is in time.
    pub(crate) async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<bool, Fault> {
        let call = HEARTBEAT
            .call(self.keys.everywhere(), &[self.keys.shared("nodes")])
            .arg(self.given_now())
            .arg(node.as_str())
            .arg(epoch.0.to_string())
            .arg(self.node_timeout);
        let answer = self.client.repeat(call, Duration::from_millis(self.node_timeout / 3)).await;
        self.reach.note(answer.is_ok());
        read(answer?)
    }

    pub(crate) async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Fault> {
        let call = LEAVE
            .call(self.keys.everywhere(), &[self.keys.shared("nodes")])
            .arg(node.as_str())
            .arg(epoch.0.to_string());
        self.client.run_one(Kind::Write, call).await.map(|_| ())
    }

    /// The time by which heartbeats are compared.
    pub(crate) async fn now(&self) -> Result<Timestamp, Fault> {
        let keys = [self.keys.shared("nodes")];
        let call = NOW.call(self.keys.everywhere(), &keys).arg(self.given_now());
        let text: String = read(self.client.run_one(Kind::Read, call).await?)?;
        text.parse().map(Timestamp::from_millis).map_err(|_| strange(&format!("'{text}' is no time")))
    }

    /// The holders that are alive, or that were not able to say so.
    pub(crate) async fn alive(&self) -> Result<BTreeSet<String>, Fault> {
        let call = ALIVE
            .call(self.keys.everywhere(), &[self.keys.shared("nodes")])
            .arg(self.given_now())
            .arg(self.node_timeout)
            .arg(self.reach.span().map(|span| span.to_string()).unwrap_or_default());
        let answer = self.client.run_one(Kind::Read, call).await;
        self.reach.note(answer.is_ok());
        read(answer?)
    }
}
