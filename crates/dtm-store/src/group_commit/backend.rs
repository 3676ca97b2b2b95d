//! What a store has to bring along.

use std::sync::Arc;

use crate::Error;

/// Writes batches durably.
#[async_trait::async_trait]
pub trait Backend: Send + Sync + 'static {
    /// One thing to do.
    type Operation: Send + Sync + 'static;
    /// What it brings.
    type Output: Send + 'static;

    /// Executes all operations, in this order, as one atomic write. Once it has returned `Ok`, everything that
    /// the results report is durable. The results are in the order of the operations, one for each; an
    /// operation that is refused (a conflict, a gid that is taken) changes nothing and does not touch its
    /// neighbours.
    ///
    /// # Errors
    /// What kept the batch as a whole from being written. [`Error::happened`] has to be `Some(false)` only when
    /// certainly nothing was: the operations are then executed again, one by one, to find the one to blame.
    /// In all other cases they are not, because an operation that did happen would now be refused.
    ///
    /// The operations are shared so that a backend can hand them to a thread; it lets go of them before it
    /// returns.
    async fn execute(
        &self,
        operations: Arc<Vec<Self::Operation>>,
    ) -> Result<Vec<Result<Self::Output, Error>>, Error>;
}
