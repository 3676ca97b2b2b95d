//! I12: what a step of a workflow did is recorded at most once, so that of two executions one notices.

use std::collections::{BTreeMap, BTreeSet};

use dtm_core::model::{Mode, Registration, Transaction};

use super::{Ask, Event, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    observed
        .stored()
        .filter(|stored| stored.mode() == Mode::Workflow)
        .flat_map(|stored| of_one(observed, stored))
        .collect()
}

fn of_one(observed: &Observed<'_>, stored: &Transaction) -> Vec<Violation> {
    let gid = stored.gid();
    let mut violations = Vec::new();
    let mut recorded = BTreeSet::new();
    let mut rows: BTreeMap<_, usize> = BTreeMap::new();
    for registration in &stored.registrations {
        let Registration::Workflow { branch_id, op, .. } = registration else { continue };
        *rows.entry(branch_id).or_default() += 1;
        if !recorded.insert((branch_id, *op)) {
            let what = format!("{} of branch {branch_id} is recorded twice", op.as_str());
            violations.push(Violation::new("I12", gid, what));
        }
    }
    let mut told: BTreeMap<_, usize> = BTreeMap::new();
    for event in observed.events(gid) {
        if let Event::Answered { ask: Ask::Register(branch_id), answer, .. } = event
            && answer.is_acknowledged()
        {
            *told.entry(branch_id).or_default() += 1;
        }
    }
    for (branch_id, told) in told {
        let rows = rows.get(branch_id).copied().unwrap_or_default();
        if told > rows {
            let what =
                format!("{told} executions were told that they recorded branch {branch_id}, {rows} did");
            violations.push(Violation::new("I12", gid, what));
        }
    }
    violations
}
