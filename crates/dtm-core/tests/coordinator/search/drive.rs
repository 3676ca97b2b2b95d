//! The coordinator under test.

use dtm_core::coordinator::{Decision, Illegal, InFlight, Input, Policy, Run};
use dtm_core::model::{Timestamp, Transaction};

/// Whatever drives a transaction: the real thing, or one with a bug in it.
pub(crate) trait Drive: Clone {
    /// Drives a transaction that was just created.
    fn fresh(transaction: Transaction) -> Self;
    /// Drives a transaction that came from the store.
    fn recovered(transaction: Transaction) -> Self;
    /// Decides, and takes the decision over.
    fn step(&mut self, input: &Input, policy: &Policy, now: Timestamp) -> Result<Decision, Illegal>;
    /// Everything is durable.
    fn flushed(&mut self);
    /// The transaction as it stands.
    fn transaction(&self) -> &Transaction;
    /// Its calls.
    fn in_flight(&self) -> &InFlight;
}

impl Drive for Run {
    fn fresh(transaction: Transaction) -> Self {
        Self::fresh(transaction)
    }

    fn recovered(transaction: Transaction) -> Self {
        Self::recovered(transaction)
    }

    fn step(&mut self, input: &Input, policy: &Policy, now: Timestamp) -> Result<Decision, Illegal> {
        Self::step(self, input, policy, now)
    }

    fn flushed(&mut self) {
        Self::flushed(self);
    }

    fn transaction(&self) -> &Transaction {
        Self::transaction(self)
    }

    fn in_flight(&self) -> &InFlight {
        Self::in_flight(self)
    }
}
