//! Which servers are alive.

use std::time::Duration;

use dtm_core::model::Timestamp;
use dtm_store::{Epoch, Error, NodeName, OwnerToken};

use super::Tables;

/// The latest start of a server.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    epoch: Epoch,
    heartbeat: Timestamp,
    alive_for: Duration,
    left: bool,
}

impl Tables {
    pub(super) fn join(&mut self, name: &NodeName, now: Timestamp, alive_for: Duration) -> Epoch {
        let epoch = Epoch(self.nodes.get(name).map_or(0, |node| node.epoch.0) + 1);
        self.put_node(name, Some(Node { epoch, heartbeat: now, alive_for, left: false }));
        epoch
    }

    pub(super) fn heartbeat(&mut self, name: &NodeName, epoch: Epoch, now: Timestamp) -> Result<(), Error> {
        match self.nodes.get(name) {
            Some(node) if node.epoch == epoch && !node.left => {
                let renewed = Node { heartbeat: now, ..node.clone() };
                self.put_node(name, Some(renewed));
                Ok(())
            }
            other => Err(Error::Conflict {
                what: format!("node {}", name.as_str()),
                expected: format!("epoch {} alive", epoch.0),
                found: other.map_or_else(
                    || "no such node".to_owned(),
                    |node| format!("epoch {}, left: {}", node.epoch.0, node.left),
                ),
            }),
        }
    }

    pub(super) fn leave(&mut self, name: &NodeName, epoch: Epoch) {
        if let Some(node) = self.nodes.get(name)
            && node.epoch == epoch
        {
            let left = Node { left: true, ..node.clone() };
            self.put_node(name, Some(left));
        }
    }

    pub(super) fn living_nodes(&self, now: Timestamp) -> Vec<NodeName> {
        let living = |node: &Node| !node.left && now.since(node.heartbeat) <= node.alive_for;
        self.nodes.iter().filter(|(_, node)| living(node)).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn is_alive(&self, owner: &OwnerToken, now: Timestamp) -> bool {
        self.nodes.get(&owner.node).is_some_and(|node| {
            node.epoch == owner.epoch && !node.left && now.since(node.heartbeat) <= node.alive_for
        })
    }
}
