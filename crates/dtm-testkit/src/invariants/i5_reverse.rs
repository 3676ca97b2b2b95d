//! I5: a saga compensation comes after the action that it undoes, and against the order of the actions.

use dtm_core::model::{BranchId, Op, Ordering, Plan, StepIndex, Transaction};

use super::{Did, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    observed.stored().flat_map(|stored| of_one(observed, stored)).collect()
}

/// What a branch did: the position in the list of effects.
struct Seen {
    can_be_undone: bool,
    action: Option<usize>,
    compensation: Option<usize>,
}

fn of_one(observed: &Observed<'_>, stored: &Transaction) -> Vec<Violation> {
    let Plan::Saga { steps, ordering } = &stored.definition.plan else { return Vec::new() };
    let seen: Vec<Seen> = (0..)
        .map(StepIndex::new)
        .zip(steps)
        .map(|(index, step)| {
            let branch_id = step.branch_id.clone().unwrap_or_else(|| BranchId::of_step(index));
            Seen {
                can_be_undone: !step.compensate.is_empty(),
                action: position(observed, stored, &branch_id, Op::Action),
                compensation: position(observed, stored, &branch_id, Op::Compensate),
            }
        })
        .collect();
    let mut violations = Vec::new();
    let mut violation = |what: String| violations.push(Violation::new("I5", stored.gid(), what));
    for (at, step) in seen.iter().enumerate() {
        if let (Some(action), Some(compensation)) = (step.action, step.compensation)
            && compensation < action
        {
            violation(format!("step {at} took effect after its compensation"));
        }
        for earlier in comes_after(ordering, at) {
            let Some(before) = seen.get(earlier) else { continue };
            if let (Some(undone), Some(compensation)) = (before.compensation, step.compensation)
                && undone < compensation
            {
                violation(format!("step {earlier} was undone before step {at}, which came after it"));
            }
            // Without a compensation nothing keeps a late call from taking effect.
            if let (true, Some(undone), Some(action)) = (step.can_be_undone, before.compensation, step.action)
                && undone < action
            {
                violation(format!("step {at} took effect when step {earlier} had been undone"));
            }
        }
    }
    violations
}

fn position(observed: &Observed<'_>, stored: &Transaction, branch_id: &BranchId, op: Op) -> Option<usize> {
    observed.effects(stored.gid()).position(|(branch, kind, did)| {
        branch == branch_id && kind == op && matches!(did, Did::Applied | Did::Empty)
    })
}

/// The steps that step `at` waits for.
fn comes_after(ordering: &Ordering, at: usize) -> Vec<usize> {
    match ordering {
        Ordering::Sequential => (0..at).collect(),
        Ordering::Concurrent(graph) => u32::try_from(at)
            .map(|at| graph.before(StepIndex::new(at)).iter().map(|step| step.at()).collect())
            .unwrap_or_else(|_| Vec::new()),
    }
}
