//! Which servers are alive. One process has the folder, so nobody else needs to know: heartbeats stay in memory,
//! only epochs are written. When the store is opened, everybody who was alive before is dead.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::model::Timestamp;
use dtm_store::{Epoch, Error, NodeName};

use crate::backend::Batch;
use crate::engine::read;
use crate::error::Failure;
use crate::keys;
use crate::operation::Output;

/// The nodes that have joined since the store was opened and have not left.
#[derive(Debug, Default)]
pub(crate) struct Nodes(BTreeMap<NodeName, Alive>);

#[derive(Debug)]
struct Alive {
    epoch: Epoch,
    heartbeat: Timestamp,
}

impl Nodes {
    pub(crate) fn is_alive(
        &self,
        node: &NodeName,
        epoch: Epoch,
        now: Timestamp,
        node_timeout: Duration,
    ) -> bool {
        self.0
            .get(node)
            .is_some_and(|alive| alive.epoch == epoch && now.since(alive.heartbeat) <= node_timeout)
    }
}

impl Batch<'_> {
    pub(crate) fn join(&mut self, node: &NodeName) -> Result<Output, Failure> {
        let key = keys::node(node);
        let earlier = read(&self.view, &key).map_err(|error| error.of_store("the epoch of a node"))?;
        let number = match earlier.as_ref().map(|value| <[u8; 8]>::try_from(value.body())) {
            None => 0,
            Some(Ok(bytes)) => u64::from_be_bytes(bytes),
            Some(Err(_)) => return Err(Failure::Broken("the epoch of a node cannot be read".to_owned())),
        };
        let epoch = Epoch(number + 1);
        self.view.put(&key, earlier.as_ref(), &[&epoch.0.to_be_bytes()])?;
        self.nodes.0.insert(node.clone(), Alive { epoch, heartbeat: self.now });
        Ok(Output::Epoch(epoch))
    }

    pub(crate) fn heartbeat(&mut self, node: &NodeName, epoch: Epoch) -> Result<Output, Failure> {
        match self.nodes.0.get_mut(node) {
            Some(alive) if alive.epoch == epoch => {
                alive.heartbeat = self.now;
                Ok(Output::Done)
            }
            other => Err(Failure::Refused(Error::Conflict {
                what: format!("node {}", node.as_str()),
                expected: format!("epoch {} alive", epoch.0),
                found: other.map_or_else(
                    || "a node that has left or never joined".to_owned(),
                    |alive| format!("epoch {}", alive.epoch.0),
                ),
            })),
        }
    }

    pub(crate) fn alive(&self) -> Output {
        let alive = |(name, node): (&NodeName, &Alive)| {
            self.nodes.is_alive(name, node.epoch, self.now, self.node_timeout).then(|| name.clone())
        };
        Output::Nodes(self.nodes.0.iter().filter_map(alive).collect())
    }

    pub(crate) fn leave(&mut self, node: &NodeName, epoch: Epoch) -> Output {
        if self.nodes.0.get(node).is_some_and(|alive| alive.epoch == epoch) {
            self.nodes.0.remove(node);
        }
        Output::Done
    }
}
