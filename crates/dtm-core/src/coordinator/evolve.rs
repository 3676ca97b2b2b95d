//! Applying a write: the same for the live run, recovery, the in-memory store and the tests.

use super::{Illegal, Write};
use crate::model::{BranchProgress, BranchStatus, Mode, Plan, Status, Transaction};

/// Applies `write` to `transaction`.
///
/// # Errors
/// [`Illegal`] when the write was decided on another status, leads where this mode never goes, changes a row
/// that has ended, or changes anything after the end. The transaction is unchanged then.
pub fn evolve(transaction: &mut Transaction, write: &Write) -> Result<(), Illegal> {
    check(transaction, write)?;
    let state = &mut transaction.state;
    if let Some(status) = write.status {
        state.status = status;
        if status.is_final() {
            state.finished_at = Some(write.at);
        }
    }
    if let Some(reason) = &write.reason {
        state.reason = Some(reason.clone());
    }
    if let Some(result) = &write.result {
        state.result = Some(result.clone());
    }
    if let Some((last, _)) = write.rows.last_key_value()
        && state.progress.len() <= last.at()
    {
        state.progress.resize(last.at() + 1, BranchProgress::UNTOUCHED);
    }
    for (index, row) in &write.rows {
        if let Some(slot) = state.progress.get_mut(index.at()) {
            *slot = *row;
        }
    }
    if let Some(interval) = write.interval {
        state.interval = interval;
    }
    if let Some(next_retry) = write.next_retry {
        state.next_retry = next_retry;
    }
    if let Some(failures) = write.failures {
        state.failures = failures;
    }
    if let Some(amendment) = &write.amendment {
        state.amendment = Some(amendment.clone());
    }
    state.starts_recorded = true;
    state.updated_at = write.at;
    Ok(())
}

fn check(transaction: &Transaction, write: &Write) -> Result<(), Illegal> {
    let (mode, from) = (transaction.mode(), transaction.status());
    if write.expect != from {
        return Err(Illegal::StaleWrite { expected: write.expect, found: from });
    }
    let to = write.status.unwrap_or(from);
    if from.is_final() || (write.status.is_some() && !may_go(mode, from, to)) {
        return Err(Illegal::Transition { mode, from, to });
    }
    let rows = row_count(transaction);
    for (&index, row) in &write.rows {
        if index.at() >= rows {
            return Err(Illegal::NoSuchRow { index });
        }
        let before = transaction.state.progress_of(index);
        if before.status != BranchStatus::Prepared && before != *row {
            return Err(Illegal::RowEnded { index });
        }
    }
    Ok(())
}

fn row_count(transaction: &Transaction) -> usize {
    match &transaction.definition.plan {
        Plan::Saga { steps, .. } => 2 * steps.len(),
        Plan::Message { steps, .. } => steps.len(),
        Plan::Tcc | Plan::Xa => 2 * transaction.registrations.len(),
        Plan::Workflow { .. } => transaction.registrations.len(),
    }
}

/// The arrows of the state machines (see [`Status`]); a forced stop may end anything that is unfinished.
const fn may_go(mode: Mode, from: Status, to: Status) -> bool {
    match (from, to) {
        (Status::Prepared | Status::Submitted | Status::Aborting, Status::Failed) => true,
        (Status::Prepared, Status::Submitted) => match mode {
            Mode::Message | Mode::Tcc | Mode::Xa => true,
            Mode::Saga | Mode::Workflow => false,
        },
        (Status::Prepared, Status::Aborting) => match mode {
            Mode::Tcc | Mode::Xa => true,
            Mode::Saga | Mode::Message | Mode::Workflow => false,
        },
        // All but the workflow pass through submitted, in the same write when nothing is to be called.
        (Status::Prepared, Status::Succeed) => match mode {
            Mode::Workflow | Mode::Message | Mode::Tcc | Mode::Xa => true,
            Mode::Saga => false,
        },
        (Status::Submitted, Status::Aborting) => match mode {
            Mode::Saga => true,
            Mode::Message | Mode::Tcc | Mode::Xa | Mode::Workflow => false,
        },
        (Status::Submitted, Status::Succeed) => match mode {
            Mode::Saga | Mode::Message | Mode::Tcc | Mode::Xa => true,
            Mode::Workflow => false,
        },
        (Status::Prepared, Status::Prepared)
        | (Status::Submitted, Status::Prepared | Status::Submitted)
        | (Status::Aborting, Status::Prepared | Status::Submitted | Status::Aborting | Status::Succeed)
        | (Status::Succeed | Status::Failed, _) => false,
    }
}
