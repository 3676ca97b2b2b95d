//! Two-phase message: calls that happen if, and only if, the client's local transaction committed.
//!
//! | status | input | what happens |
//! |---|---|---|
//! | prepared | submitted | submitted; the branches, after the delay |
//! | prepared | aborted | failed; nothing was called |
//! | prepared | time-out | ask the client's service (back-check) |
//! | prepared | back-check yes / no / ongoing or unknown | submitted / failed / ask again later |
//! | submitted | branch did not succeed | wait for the next pass: a message is never rolled back |

use std::sync::Arc;

use super::draft::{Draft, Target};
use super::{CallKey, CallOp, Illegal, Input};
use crate::model::{BranchId, BranchIndex, BranchStatus, Op, Outcome, Payload, Status, Step, StepIndex};

pub(super) fn decide(draft: &mut Draft<'_>, steps: &[Step], query: &Arc<str>) -> Result<(), Illegal> {
    match (draft.status(), draft.input) {
        (Status::Prepared, Input::Submitted { amendment, .. }) => {
            draft.go_to(Status::Submitted);
            if let Some(amendment) = amendment {
                draft.amend(amendment);
            }
            draft.reset_interval();
            advance(draft, steps);
        }
        (Status::Prepared, Input::Aborted { reason }) => {
            draft.because(reason);
            draft.go_to(Status::Failed);
        }
        (Status::Prepared, Input::Woke | Input::Rescheduled) => check_back(draft, query),
        (Status::Prepared, Input::Probed { outcome }) => probed(draft, steps, query, outcome),
        (Status::Submitted, Input::Submitted { .. } | Input::Woke | Input::Rescheduled) => {
            advance(draft, steps);
        }
        (Status::Submitted, Input::Branch { index, outcome }) => ended(draft, steps, *index, outcome)?,
        // The client decided while the back-check was under way; its answer does not matter any more.
        (Status::Submitted, Input::Probed { .. }) => advance(draft, steps),
        (Status::Prepared, Input::Branch { .. })
        | (Status::Submitted, Input::Aborted { .. })
        | (Status::Aborting | Status::Succeed | Status::Failed, _)
        | (_, Input::ForceStopped | Input::Resumed { .. }) => return Err(draft.illegal()),
    }
    Ok(())
}

fn check_back(draft: &mut Draft<'_>, query: &Arc<str>) {
    let Some((deadline, _)) = draft.policy.deadline(draft.transaction) else { return };
    if draft.now < deadline {
        return draft.wake_at(deadline);
    }
    if draft.is_out(CallKey::Probe) {
        return;
    }
    if query.is_empty() {
        // Nobody can be asked. Going forward could call branches of a transaction that rolled back, so the
        // message stays prepared until its client or an operator decides.
        let cause = "query_prepared is empty: submit or abort the message".to_owned();
        return draft.park(CallKey::Probe, query, &Outcome::NotSent { cause });
    }
    draft.call(Target {
        key: CallKey::Probe,
        branch_id: BranchId::root(),
        op: CallOp::Branch(Op::Message),
        url: query,
        payload: &Payload::empty(),
    });
}

fn probed(draft: &mut Draft<'_>, steps: &[Step], query: &Arc<str>, outcome: &Outcome) {
    match outcome {
        Outcome::Success => {
            draft.reset_interval();
            draft.go_to(Status::Submitted);
            advance(draft, steps);
        }
        Outcome::Failure { reason } => {
            draft.because(&format!(
                "url:{query} answered that the local transaction did not commit: {reason}"
            ));
            draft.go_to(Status::Failed);
        }
        Outcome::Ongoing => {
            draft.reset_interval();
            draft.park(CallKey::Probe, query, outcome);
        }
        Outcome::Unknown { .. } | Outcome::NotSent { .. } => draft.park(CallKey::Probe, query, outcome),
    }
}

fn ended(
    draft: &mut Draft<'_>,
    steps: &[Step],
    index: BranchIndex,
    outcome: &Outcome,
) -> Result<(), Illegal> {
    let Some(step) = steps.get(index.at()) else {
        return Err(Illegal::NoSuchRow { index });
    };
    match (draft.row(index).status, outcome) {
        (BranchStatus::Succeed, _) => {} // a second answer to a call that has ended
        (BranchStatus::Prepared | BranchStatus::Failed, Outcome::Success) => {
            draft.end_row(index, BranchStatus::Succeed)
        }
        (
            BranchStatus::Prepared | BranchStatus::Failed,
            Outcome::Failure { .. } | Outcome::Ongoing | Outcome::Unknown { .. } | Outcome::NotSent { .. },
        ) => draft.park(CallKey::Branch(index), &step.action, outcome),
    }
    advance(draft, steps);
    Ok(())
}

/// Behaviour 87, 90: in order up to the first that is not done, or all at once.
fn advance(draft: &mut Draft<'_>, steps: &[Step]) {
    if let Some(delay) = draft.delay() {
        let not_before = draft.transaction.definition.created_at.plus(delay);
        if draft.now < not_before {
            draft.reschedule(not_before);
            return draft.wake_at(not_before);
        }
    }
    let concurrent = draft.options().concurrent;
    let (mut all_done, mut chosen) = (true, 0_usize);
    for (position, step) in (0..).zip(steps) {
        let index = BranchIndex::new(position);
        if draft.row(index).status == BranchStatus::Succeed {
            continue;
        }
        if step.action.is_empty() {
            draft.skip_row(index);
            continue;
        }
        all_done = false;
        let key = CallKey::Branch(index);
        if !draft.is_out(key) && !draft.is_parked(key) && draft.has_room(chosen) {
            chosen += 1;
            draft.call(Target {
                key,
                branch_id: step
                    .branch_id
                    .clone()
                    .unwrap_or_else(|| BranchId::of_step(StepIndex::new(position))),
                op: CallOp::Branch(Op::Action),
                url: &step.action,
                payload: &step.payload,
            });
        }
        if !concurrent || !draft.has_room(chosen) {
            return;
        }
    }
    if all_done {
        draft.go_to(Status::Succeed);
    }
}
