//! A transaction that is being driven.

use super::{Decision, Illegal, InFlight, Input, Policy, decide, evolve};
use crate::model::{BranchIndex, BranchProgress, BranchStatus, Plan, Timestamp, Transaction};

/// A transaction together with its calls: what the server's runner, the simulation and the tests drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    transaction: Transaction,
    in_flight: InFlight,
}

impl Run {
    /// Drives a transaction that this process has just created.
    #[must_use]
    pub const fn fresh(transaction: Transaction) -> Self {
        let deferring = !transaction.state.starts_recorded;
        Self { transaction, in_flight: InFlight::new(deferring) }
    }

    /// Drives a transaction that came from the store.
    #[must_use]
    pub fn recovered(mut transaction: Transaction) -> Self {
        recover(&mut transaction);
        Self { transaction, in_flight: InFlight::resumed() }
    }

    /// Drives a transaction that was loaded again while it was being driven, because branches were registered
    /// meanwhile: what is out stays out.
    #[must_use]
    pub const fn reloaded(transaction: Transaction, in_flight: InFlight) -> Self {
        Self { transaction, in_flight }
    }

    /// The transaction as it stands, deferred progress included.
    #[must_use]
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Its calls.
    #[must_use]
    pub const fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Decides, and takes the decision over. The caller has to make the write durable before it releases the
    /// effects; if it cannot, it has to drop the run.
    ///
    /// # Errors
    /// [`Illegal`] when the input makes no sense; nothing has changed then.
    pub fn step(&mut self, input: &Input, policy: &Policy, now: Timestamp) -> Result<Decision, Illegal> {
        // A refused request must not start a pass. The answer to a call is refused only when it is no answer
        // to a call of ours, so nothing has to be kept for it.
        let before = input.starts_a_pass().then(|| self.in_flight.clone());
        let result = self.take(input, policy, now);
        if let (Err(_), Some(before)) = (&result, before) {
            self.in_flight = before;
        }
        result
    }

    fn take(&mut self, input: &Input, policy: &Policy, now: Timestamp) -> Result<Decision, Illegal> {
        self.in_flight.receive(input);
        let decision = decide(&self.transaction, &self.in_flight, input, policy, now)?;
        if let Some(write) = &decision.write {
            evolve(&mut self.transaction, write)?;
        }
        self.in_flight.settle(input, &decision);
        Ok(decision)
    }

    /// Notes that the whole state is durable; see [`InFlight::flushed`].
    pub const fn flushed(&mut self) {
        self.in_flight.flushed();
    }
}

/// Makes up for progress that a crash may have lost: if the stored state does not say which actions were
/// started, any may have been, so a roll-back has to compensate them all.
pub fn recover(transaction: &mut Transaction) {
    if transaction.state.starts_recorded {
        return;
    }
    let Plan::Saga { steps, .. } = &transaction.definition.plan else { return };
    let rows = 2 * steps.len();
    let progress = &mut transaction.state.progress;
    progress.resize(rows, BranchProgress::UNTOUCHED);
    for (index, row) in (0..).map(BranchIndex::new).zip(progress.iter_mut()) {
        if index.get() % 2 == 1 && row.status == BranchStatus::Prepared {
            row.started = true;
        }
    }
    transaction.state.starts_recorded = true;
}
