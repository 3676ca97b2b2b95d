//! Phase two of TCC and XA: the client has decided, every registered branch has to follow, one at a time.
//!
//! | status | input | what happens |
//! |---|---|---|
//! | prepared | submitted | submitted; confirm or commit each branch; after the last one: succeed |
//! | prepared | aborted, time-out | aborting; cancel or roll back each branch; after the last one: failed |
//! | prepared | woke before the time-out | nothing |
//! | submitted, aborting | branch did not succeed | wait for the next pass: an answer "failed" is not final |

use std::sync::Arc;

use super::draft::{Draft, Target};
use super::{CallKey, CallOp, Illegal, Input};
use crate::model::{BranchIndex, BranchStatus, Op, Outcome, Payload, Registration, Status};

/// What tells TCC and XA apart.
pub(super) struct SecondPhase {
    /// Done when the client submits.
    pub(super) forward: Op,
    /// Done when the client aborts.
    pub(super) back: Op,
    /// Whether the branch that was registered last comes first.
    pub(super) last_first: bool,
}

impl SecondPhase {
    pub(super) fn decide(&self, draft: &mut Draft<'_>) -> Result<(), Illegal> {
        match (draft.status(), draft.input) {
            (Status::Prepared, Input::Submitted { amendment, .. }) => {
                draft.go_to(Status::Submitted);
                if let Some(amendment) = amendment {
                    draft.amend(amendment);
                }
                draft.reset_interval();
                self.advance(draft)
            }
            (Status::Prepared, Input::Aborted { reason }) => {
                draft.because(reason);
                draft.go_to(Status::Aborting);
                self.advance(draft)
            }
            (Status::Prepared, Input::Woke | Input::Rescheduled) => self.check_time_out(draft),
            (Status::Submitted, Input::Submitted { .. } | Input::Woke | Input::Rescheduled)
            | (Status::Aborting, Input::Aborted { .. } | Input::Woke | Input::Rescheduled) => {
                self.advance(draft)
            }
            (Status::Submitted | Status::Aborting, Input::Branch { index, outcome }) => {
                self.ended(draft, *index, outcome)
            }
            (Status::Submitted, Input::Aborted { .. })
            | (Status::Aborting, Input::Submitted { .. })
            | (Status::Prepared, Input::Branch { .. })
            | (Status::Succeed | Status::Failed, _)
            | (_, Input::ForceStopped | Input::Probed { .. } | Input::Resumed { .. }) => Err(draft.illegal()),
        }
    }

    fn check_time_out(&self, draft: &mut Draft<'_>) -> Result<(), Illegal> {
        match draft.policy.deadline(draft.transaction) {
            Some((at, span)) if draft.now >= at => {
                draft.because(&format!("Timeout after {span} seconds"));
                draft.go_to(Status::Aborting);
                return self.advance(draft);
            }
            Some((at, _)) => draft.wake_at(at),
            None => {}
        }
        Ok(())
    }

    fn ended(&self, draft: &mut Draft<'_>, index: BranchIndex, outcome: &Outcome) -> Result<(), Illegal> {
        let registrations = &draft.transaction.registrations;
        let Some(registration) = registrations.get(index.at() / 2) else {
            return Err(Illegal::NoSuchRow { index });
        };
        let url = match self.direction(draft.status()) {
            Some((op, _)) if index == row_of(index.at() / 2, op) => {
                phase_two(registration, op).ok_or_else(|| draft.illegal())?.0
            }
            // Nobody was asked to go the other way. Believing it would skip the branch.
            Some(_) | None => return Err(draft.illegal()),
        };
        match (draft.row(index).status, outcome) {
            (BranchStatus::Succeed, _) => {} // a second answer to a call that has ended
            (BranchStatus::Prepared | BranchStatus::Failed, Outcome::Success) => {
                draft.end_row(index, BranchStatus::Succeed)
            }
            (
                BranchStatus::Prepared | BranchStatus::Failed,
                Outcome::Failure { .. }
                | Outcome::Ongoing
                | Outcome::Unknown { .. }
                | Outcome::NotSent { .. },
            ) => draft.park(CallKey::Branch(index), url, outcome),
        }
        self.advance(draft)
    }

    /// Calls the first branch that is left, and stops there (behaviour 75, 76, 82).
    fn advance(&self, draft: &mut Draft<'_>) -> Result<(), Illegal> {
        let Some((op, end)) = self.direction(draft.status()) else { return Ok(()) };
        let registrations = &draft.transaction.registrations;
        let count = registrations.len();
        for turn in 0..count {
            let position = if self.last_first { count - 1 - turn } else { turn };
            let Some(registration) = registrations.get(position) else { continue };
            let index = row_of(position, op);
            let key = CallKey::Branch(index);
            if draft.row(index).status == BranchStatus::Succeed {
                continue;
            }
            if draft.is_out(key) || draft.is_parked(key) {
                return Ok(());
            }
            let (url, payload) = phase_two(registration, op).ok_or_else(|| draft.illegal())?;
            if url.is_empty() {
                draft.skip_row(index);
                continue;
            }
            draft.call(Target {
                key,
                branch_id: registration.branch_id().clone(),
                op: CallOp::Branch(op),
                url,
                payload: &payload,
            });
            return Ok(());
        }
        draft.go_to(end);
        Ok(())
    }

    /// What every branch is asked, and where that ends.
    const fn direction(&self, status: Status) -> Option<(Op, Status)> {
        match status {
            Status::Submitted => Some((self.forward, Status::Succeed)),
            Status::Aborting => Some((self.back, Status::Failed)),
            Status::Prepared | Status::Succeed | Status::Failed => None,
        }
    }
}

/// The row of a registration (see [`rows`](crate::model::rows)): first the way back, then the way forward.
fn row_of(position: usize, op: Op) -> BranchIndex {
    let position = u32::try_from(position).unwrap_or(u32::MAX);
    let back = position.saturating_mul(2);
    match op {
        Op::Confirm | Op::Commit => BranchIndex::new(back.saturating_add(1)),
        Op::Cancel | Op::Rollback | Op::Action | Op::Compensate | Op::Message | Op::Business => {
            BranchIndex::new(back)
        }
    }
}

/// Where `op` of a branch is called, and with which body; `None` when the registration is of another mode. XA
/// is called without a body, whatever was registered (behaviour 82).
fn phase_two(registration: &Registration, op: Op) -> Option<(&Arc<str>, Payload)> {
    match (registration, op) {
        (Registration::Tcc { confirm, data, .. }, Op::Confirm) => Some((confirm, data.clone())),
        (Registration::Tcc { cancel, data, .. }, Op::Cancel) => Some((cancel, data.clone())),
        (Registration::Xa { url, .. }, Op::Commit | Op::Rollback) => Some((url, Payload::empty())),
        (Registration::Tcc { .. } | Registration::Xa { .. } | Registration::Workflow { .. }, _) => None,
    }
}
