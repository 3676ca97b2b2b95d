//! What a store of transactions promises, and the pieces that every store shares.
//!
//! | module | what it holds |
//! |---|---|
//! | [`transactions`] | [`TransactionStore`]: create, load, commit, register, claim, reschedule, scan, purge |
//! | [`topics`] | [`TopicStore`]: subscribers of a topic, with versions |
//! | [`nodes`] | [`NodeStore`]: which servers are alive |
//! | [`owner`] | who drives a transaction: fencing tokens |
//! | [`precondition`] | when a write is a conflict, the same in every store |
//! | [`error`] | what can go wrong, and whether trying again helps |
//! | [`codec`] | the text of a record, the same in every store |
//! | [`clock`] | the clock that due times and heartbeats are compared with |
//! | [`group_commit`] | many callers, few durable writes |
//! | `suite` | the conformance suite, `store_suite!` (feature `suite`) |
//!
//! [`Store`] is all three roles together; `Arc<dyn Store>` is what the server holds.

pub mod clock;
pub mod codec;
pub mod error;
pub mod group_commit;
pub mod nodes;
pub mod owner;
pub mod precondition;
#[cfg(feature = "suite")]
pub mod suite;
pub mod topics;
pub mod transactions;

pub use clock::{Clock, SystemClock};
pub use error::Error;
pub use group_commit::WriteStats;
pub use nodes::NodeStore;
pub use owner::{Epoch, NodeName, OwnerToken, Ownership, TokenSource};
pub use topics::{Subscriber, Topic, TopicStore};
pub use transactions::{
    Claims, Commit, Cursor, Damaged, Expect, Filter, Listed, NewOwner, NewTransaction, Page, Rescheduled,
    Stored, TransactionStore,
};

/// A complete store: transactions, topics and nodes.
///
/// Every method of the roles says what holds once it has returned `Ok`. Whatever returned `Ok` survives the
/// death of the process and of the machine; whatever returned an error either happened or did not, unless the
/// error says which ([`Error::happened`]).
#[async_trait::async_trait]
pub trait Store: TransactionStore + TopicStore + NodeStore {
    /// The name of the backend, for logs and metrics: `sled`, `mysql`, ...
    fn name(&self) -> &'static str;

    /// How many operations wait to be written now. A gauge shows it; past the bound of the queue callers wait.
    fn queue_depth(&self) -> usize;

    /// What was written since the store was opened. Metrics and the bench show it.
    fn write_stats(&self) -> WriteStats;

    /// Returns once the store has answered a trivial question.
    ///
    /// # Errors
    /// Whatever keeps the store from answering.
    async fn health(&self) -> Result<(), Error>;

    /// Returns once everything that was accepted is durable and the store can be dropped. Operations that come
    /// later get [`Error::Closed`].
    ///
    /// # Errors
    /// Whatever keeps the store from writing.
    async fn close(&self) -> Result<(), Error>;
}
