//! I6: confirm or commit never follows cancel or roll-back on the same branch, nor the other way round: not
//! even as a call that the branch would have refused.

use std::collections::BTreeMap;

use dtm_core::model::{BranchId, Op};

use super::{Event, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (gid, events) in observed.transactions() {
        let mut ways: BTreeMap<&BranchId, bool> = BTreeMap::new();
        for event in events {
            let Event::Called { branch_id, op: Some(op), .. } = event else { continue };
            let Some(forward) = is_forward(*op) else { continue };
            if *ways.entry(branch_id).or_insert(forward) != forward {
                let what = format!("branch {branch_id} was called both ways, now {}", op.as_str());
                violations.push(Violation::new("I6", gid, what));
                break;
            }
        }
    }
    violations
}

const fn is_forward(op: Op) -> Option<bool> {
    match op {
        Op::Confirm | Op::Commit => Some(true),
        Op::Cancel | Op::Rollback => Some(false),
        Op::Action | Op::Compensate | Op::Message | Op::Business => None,
    }
}
