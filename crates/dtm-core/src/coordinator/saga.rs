//! Saga: actions in order; on failure, time-out or too many retries the compensations, against the order.
//!
//! | status | input | what happens |
//! |---|---|---|
//! | submitted | action succeeded | the next actions; after the last one: succeed |
//! | submitted | action failed | aborting, reason kept; compensations |
//! | submitted | action ongoing | wait for the next pass |
//! | submitted | action unknown | wait for the next pass; with a retry limit: again at once, or aborting |
//! | submitted | time-out | aborting; compensations |
//! | aborting | an action is still out | wait for its end, whatever it is |
//! | aborting | anything else | compensations; after the last one: failed |

use super::draft::{Draft, Target};
use super::saga_graph::{next_actions, next_compensations};
use super::{CallKey, CallOp, Illegal, Input};
use crate::model::{BranchId, BranchIndex, BranchStatus, Op, Ordering, Outcome, Status, Step, StepIndex};

pub(super) fn decide(draft: &mut Draft<'_>, steps: &[Step], ordering: &Ordering) -> Result<(), Illegal> {
    let saga = Saga { steps, ordering };
    match (draft.status(), draft.input) {
        (Status::Submitted, Input::Submitted { .. } | Input::Woke | Input::Rescheduled)
        | (Status::Aborting, Input::Woke | Input::Rescheduled) => saga.advance(draft),
        (Status::Submitted | Status::Aborting, Input::Branch { index, outcome }) => {
            saga.ended(draft, *index, outcome)?;
        }
        (
            Status::Prepared | Status::Succeed | Status::Failed,
            Input::Submitted { .. } | Input::Woke | Input::Rescheduled | Input::Branch { .. },
        )
        | (Status::Aborting, Input::Submitted { .. })
        | (_, Input::Aborted { .. } | Input::ForceStopped | Input::Probed { .. } | Input::Resumed { .. }) => {
            return Err(draft.illegal());
        }
    }
    Ok(())
}

/// The row of a step's compensation.
pub(super) const fn compensation_row(step: StepIndex) -> BranchIndex {
    BranchIndex::new(step.get() * 2)
}

/// The row of a step's action.
pub(super) const fn action_row(step: StepIndex) -> BranchIndex {
    BranchIndex::new(step.get() * 2 + 1)
}

/// The steps of a saga and their order.
pub(super) struct Saga<'s> {
    pub(super) steps: &'s [Step],
    pub(super) ordering: &'s Ordering,
}

impl Saga<'_> {
    fn ended(&self, draft: &mut Draft<'_>, index: BranchIndex, outcome: &Outcome) -> Result<(), Illegal> {
        let step_index = StepIndex::new(index.get() / 2);
        let Some(step) = self.steps.get(step_index.at()) else {
            return Err(Illegal::NoSuchRow { index });
        };
        let is_action = index == action_row(step_index);
        let row = draft.row(index).status;
        if row == BranchStatus::Succeed || (is_action && row == BranchStatus::Failed) {
            self.advance(draft); // a second answer to a call that has ended
        } else if is_action {
            self.action_ended(draft, index, step, outcome);
        } else if draft.status() == Status::Aborting {
            self.compensation_ended(draft, index, step, outcome);
        } else {
            // Nobody was asked to compensate. Believing it would skip the compensation of a later roll-back.
            return Err(draft.illegal());
        }
        Ok(())
    }

    fn action_ended(&self, draft: &mut Draft<'_>, index: BranchIndex, step: &Step, outcome: &Outcome) {
        let aborting = draft.status() == Status::Aborting;
        match outcome {
            Outcome::Success => draft.end_row(index, BranchStatus::Succeed),
            Outcome::Failure { reason } => {
                draft.end_row(index, BranchStatus::Failed);
                if !aborting {
                    draft.go_to(Status::Aborting);
                    draft.because(&failure_reason(step, reason));
                }
            }
            Outcome::Ongoing | Outcome::NotSent { .. } | Outcome::Unknown { .. } if aborting => {}
            Outcome::Ongoing | Outcome::NotSent { .. } => {
                draft.park(CallKey::Branch(index), &step.action, outcome);
            }
            Outcome::Unknown { .. } => self.retry(draft, index, step, outcome),
        }
        self.advance(draft);
    }

    /// Behaviour 72: with a retry limit the action is called again at once, `limit` times, then rolled back.
    fn retry(&self, draft: &mut Draft<'_>, index: BranchIndex, step: &Step, outcome: &Outcome) {
        let Some(limit) = draft.options().retry_limit.filter(|&limit| limit > 0) else {
            return draft.park(CallKey::Branch(index), &step.action, outcome);
        };
        if draft.count_attempt(index) > limit {
            draft.go_to(Status::Aborting);
            draft.because(&format!("RetryCount is greater than RetryLimit, RetryLimit: {limit}"));
        }
    }

    fn compensation_ended(&self, draft: &mut Draft<'_>, index: BranchIndex, step: &Step, outcome: &Outcome) {
        match outcome {
            Outcome::Success => draft.end_row(index, BranchStatus::Succeed),
            Outcome::Failure { .. }
            | Outcome::Ongoing
            | Outcome::Unknown { .. }
            | Outcome::NotSent { .. } => draft.park(CallKey::Branch(index), &step.compensate, outcome),
        }
        self.advance(draft);
    }

    fn advance(&self, draft: &mut Draft<'_>) {
        if draft.status() == Status::Submitted {
            self.go_forward(draft);
        }
        if draft.status() == Status::Aborting {
            self.go_back(draft);
        }
    }

    fn go_forward(&self, draft: &mut Draft<'_>) {
        let deadline = draft.policy.deadline(draft.transaction);
        let ready = next_actions(draft, self);
        if ready.all_done {
            return draft.go_to(Status::Succeed);
        }
        if ready.refused {
            // We store the refusal and its consequence together, but DTM does not, and its records are taken over.
            draft.go_to(Status::Aborting);
            return draft.because("fail message lost");
        }
        match deadline {
            Some((at, span)) if draft.now >= at => {
                draft.go_to(Status::Aborting);
                draft.because(&format!("Timeout after {span} seconds"));
                // The action whose turn it was counts as possibly run (behaviour 63).
                for step in ready.steps {
                    draft.mark_started(action_row(step));
                }
                return;
            }
            Some((at, _)) => draft.wake_at(at),
            None => {}
        }
        for step in ready.steps {
            draft.mark_started(action_row(step));
            self.call(draft, step, Op::Action);
        }
    }

    fn go_back(&self, draft: &mut Draft<'_>) {
        let ready = next_compensations(draft, self);
        if ready.all_done {
            return draft.go_to(Status::Failed);
        }
        for step in ready.steps {
            self.call(draft, step, Op::Compensate);
        }
    }

    fn call(&self, draft: &mut Draft<'_>, index: StepIndex, op: Op) {
        let Some(step) = self.steps.get(index.at()) else { return };
        let (row, url) = match op {
            Op::Compensate => (compensation_row(index), &step.compensate),
            Op::Action
            | Op::Confirm
            | Op::Cancel
            | Op::Commit
            | Op::Rollback
            | Op::Message
            | Op::Business => (action_row(index), &step.action),
        };
        draft.call(Target {
            key: CallKey::Branch(row),
            branch_id: step.branch_id.clone().unwrap_or_else(|| BranchId::of_step(index)),
            op: CallOp::Branch(op),
            url,
            payload: &step.payload,
        });
    }
}

/// Behaviour 58.
fn failure_reason(step: &Step, answer: &str) -> String {
    let answer = answer.trim();
    let answer = answer.strip_suffix(" FAILURE").unwrap_or(answer);
    format!("url:{} return failed: {answer} FAILURE", step.action)
}
