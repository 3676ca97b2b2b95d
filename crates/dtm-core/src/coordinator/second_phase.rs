//! Phase two of TCC and XA: the client has decided, every registered branch has to follow, one at a time.
//!
//! | status | input | what happens |
//! |---|---|---|
//! | prepared | submitted | submitted; confirm or commit each branch; after the last one: succeed |
//! | prepared | aborted, time-out | aborting; cancel or roll back each branch; after the last one: failed |
//! | prepared | woke before the time-out | nothing |
//! | submitted, aborting | branch did not succeed | wait for the next pass: an answer "failed" is not final |

use super::draft::{Draft, Target};
use super::{CallKey, CallOp, Illegal, Input};
use crate::model::{BranchIndex, BranchRow, BranchStatus, Op, Outcome, Status, rows};

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
                self.advance(draft);
            }
            (Status::Prepared, Input::Aborted { reason }) => {
                draft.because(reason);
                draft.go_to(Status::Aborting);
                self.advance(draft);
            }
            (Status::Prepared, Input::Woke | Input::Rescheduled) => self.check_time_out(draft),
            (Status::Submitted, Input::Submitted { .. } | Input::Woke | Input::Rescheduled)
            | (Status::Aborting, Input::Aborted { .. } | Input::Woke | Input::Rescheduled) => {
                self.advance(draft);
            }
            (Status::Submitted | Status::Aborting, Input::Branch { index, outcome }) => {
                self.ended(draft, *index, outcome)?;
            }
            (Status::Submitted, Input::Aborted { .. })
            | (Status::Aborting, Input::Submitted { .. })
            | (Status::Prepared, Input::Branch { .. })
            | (Status::Succeed | Status::Failed, _)
            | (_, Input::ForceStopped | Input::Probed { .. } | Input::Resumed { .. }) => {
                return Err(draft.illegal());
            }
        }
        Ok(())
    }

    fn check_time_out(&self, draft: &mut Draft<'_>) {
        match draft.policy.deadline(draft.transaction) {
            Some((at, span)) if draft.now >= at => {
                draft.because(&format!("Timeout after {span} seconds"));
                draft.go_to(Status::Aborting);
                self.advance(draft);
            }
            Some((at, _)) => draft.wake_at(at),
            None => {}
        }
    }

    fn ended(&self, draft: &mut Draft<'_>, index: BranchIndex, outcome: &Outcome) -> Result<(), Illegal> {
        let rows = rows(draft.transaction);
        let Some(row) = rows.get(index.at()) else {
            return Err(Illegal::NoSuchRow { index });
        };
        match outcome {
            Outcome::Success if draft.row(index).status == BranchStatus::Prepared => {
                draft.end_row(index, BranchStatus::Succeed);
            }
            Outcome::Success => {}
            Outcome::Failure { .. }
            | Outcome::Ongoing
            | Outcome::Unknown { .. }
            | Outcome::NotSent { .. } => draft.park(CallKey::Branch(index), &row.url.into(), outcome),
        }
        self.advance_over(draft, &rows);
        Ok(())
    }

    fn advance(&self, draft: &mut Draft<'_>) {
        self.advance_over(draft, &rows(draft.transaction));
    }

    /// Calls the first branch that is left, and stops there (behaviour 75, 76, 82).
    fn advance_over(&self, draft: &mut Draft<'_>, rows: &[BranchRow<'_>]) {
        let (op, end) = match draft.status() {
            Status::Submitted => (self.forward, Status::Succeed),
            Status::Aborting => (self.back, Status::Failed),
            Status::Prepared | Status::Succeed | Status::Failed => return,
        };
        let mut ordered: Vec<&BranchRow<'_>> = rows.iter().filter(|row| row.op == op).collect();
        if self.last_first {
            ordered.reverse();
        }
        for row in ordered {
            let key = CallKey::Branch(row.index);
            if draft.row(row.index).status == BranchStatus::Succeed {
                continue;
            }
            if draft.is_out(key) || draft.is_parked(key) {
                return;
            }
            if row.url.is_empty() {
                draft.end_row(row.index, BranchStatus::Succeed);
                continue;
            }
            return draft.call(Target {
                key,
                branch_id: row.branch_id.clone(),
                op: CallOp::Branch(op),
                url: &row.url.into(),
                payload: row.payload,
            });
        }
        draft.go_to(end);
    }
}
