//! The rows of a saga: per step a compensation, then its action, with one payload.

use dtm_core::model::{BranchId, BranchProgress, BranchStatus, Definition, Op, Ordering, Plan, StepIndex};
use dtm_proto::http::StepRequest;

use super::Refused;
use super::state::word;
use crate::BranchRecord;

/// The steps as the client has sent them, each with its payload.
pub(super) fn steps(branches: &[BranchRecord]) -> Result<Vec<StepRequest>, Refused> {
    (0..)
        .map(StepIndex::new)
        .zip(branches.chunks(2))
        .map(|(index, rows)| {
            let expected = BranchId::of_step(index);
            let [compensation, action] = rows else {
                return Err(Refused::new(format!("branch {expected} has one row instead of two")));
            };
            for (row, op) in [(compensation, Op::Compensate), (action, Op::Action)] {
                check_place(row, expected.as_str(), op)?;
            }
            if compensation.data != action.data {
                return Err(Refused::new(format!("branch {expected} has two different payloads")));
            }
            Ok(StepRequest {
                action: action.url.as_str().into(),
                compensate: compensation.url.as_str().into(),
                data: action.data.as_slice().into(),
            })
        })
        .collect()
}

/// A row has to be where DTM has put it, or it is not the row that it seems to be.
pub(super) fn check_place(row: &BranchRecord, branch_id: &str, op: Op) -> Result<(), Refused> {
    if row.branch_id == branch_id && row.op == op.as_str() {
        return Ok(());
    }
    let (id, found) = (word(&row.branch_id), word(&row.op));
    Err(Refused::new(format!("found the row '{id} {found}' where '{branch_id} {}' belongs", op.as_str())))
}

/// Which actions may have been called: all that have ended, and all whose turn it was. DTM compensates just these
/// (behaviour 63).
pub(super) fn mark_started(definition: &Definition, rows: &mut [BranchProgress]) {
    let Plan::Saga { steps, ordering } = &definition.plan else { return };
    let succeeded: Vec<bool> =
        rows.iter().skip(1).step_by(2).map(|row| row.status == BranchStatus::Succeed).collect();
    let done = |step: StepIndex| succeeded.get(step.at()).copied().unwrap_or(false);
    for (index, _) in (0..).map(StepIndex::new).zip(steps) {
        let turn = match ordering {
            Ordering::Sequential => {
                index.get().checked_sub(1).is_none_or(|before| done(StepIndex::new(before)))
            }
            Ordering::Concurrent(graph) => graph.before(index).iter().all(|before| done(*before)),
        };
        if let Some(action) = rows.get_mut(2 * index.at() + 1) {
            action.started |= turn;
        }
    }
}
