//! Which servers are alive.

use std::time::Duration;

use dtm_core::model::Timestamp;

use crate::{Epoch, Error, NodeName};

/// The role of a store that knows the servers on it.
///
/// A node is dead when its last heartbeat is older than the node time-out that it had when it joined, when a later
/// epoch of the same name has joined, or when it has left. Servers with different node time-outs agree about that.
/// The transactions that a dead node holds can be claimed.
#[async_trait::async_trait]
pub trait NodeStore: Send + Sync {
    /// Starts a node. Once it has returned, the node is alive, and all earlier epochs of that name are dead.
    /// The epoch is larger than every earlier one of that name.
    ///
    /// # Errors
    /// [`Error`] when the store cannot write.
    async fn join(&self, node: &NodeName) -> Result<Epoch, Error>;

    /// Renews the heartbeat. Once it has returned, the node counts as alive for its own node time-out.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a later epoch of that name has joined, or when this one has left or never
    /// joined: the caller must stop driving.
    async fn heartbeat(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error>;

    /// The time by the clock of the store itself, by which heartbeats and due times are compared for all servers that
    /// share it. `None` when it has none, and goes by the clock of its only server.
    ///
    /// # Errors
    /// [`Error`] when the store does not answer.
    async fn now(&self) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }

    /// Forgets nodes that have been dead for `dead_for` and hold nothing, and says how many. None of them gets an epoch
    /// again that it has had. Stores that keep no list of nodes, or forget them by themselves, have nothing to do.
    ///
    /// # Errors
    /// [`Error`] when the store cannot write.
    async fn forget_dead(&self, dead_for: Duration) -> Result<usize, Error> {
        let _ = dead_for;
        Ok(0)
    }

    /// The nodes that are alive, in no order.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    async fn alive(&self) -> Result<Vec<NodeName>, Error>;

    /// Ends a node. Once it has returned, what it held can be claimed at once. A node that has ended already, or
    /// that a later epoch has replaced, is no error.
    ///
    /// # Errors
    /// [`Error`] when the store cannot write.
    async fn leave(&self, node: &NodeName, epoch: Epoch) -> Result<(), Error>;
}
