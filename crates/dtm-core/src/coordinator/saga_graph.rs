//! Which steps of a saga may start now: forward along the order, back against it.

use super::CallKey;
use super::draft::Draft;
use super::saga::{Saga, action_row, compensation_row};
use crate::model::{BranchStatus, Ordering, StepIndex};

/// The steps whose turn it is.
pub(super) struct Ready {
    /// To be called now.
    pub(super) steps: Vec<StepIndex>,
    /// Nothing is left to do, and nothing is out.
    pub(super) all_done: bool,
}

/// The actions that may start. Steps without an action URL succeed here (behaviour 54).
pub(super) fn next_actions(draft: &mut Draft<'_>, saga: &Saga<'_>) -> Ready {
    let done =
        |draft: &Draft<'_>, step: StepIndex| draft.row(action_row(step)).status == BranchStatus::Succeed;
    let mut candidates: Vec<StepIndex> = match saga.ordering {
        Ordering::Sequential => indexes(saga).find(|&step| !done(draft, step)).into_iter().collect(),
        Ordering::Concurrent(_) => indexes(saga).rev().collect(),
    };
    let mut steps = Vec::new();
    while let Some(step) = candidates.pop() {
        if done(draft, step) || is_busy(draft, CallKey::Branch(action_row(step))) {
            continue;
        }
        if let Ordering::Concurrent(graph) = saga.ordering
            && !graph.before(step).iter().all(|&before| done(draft, before))
        {
            continue;
        }
        if saga.steps.get(step.at()).is_some_and(|step| step.action.is_empty()) {
            draft.end_row(action_row(step), BranchStatus::Succeed);
            match saga.ordering {
                Ordering::Sequential => candidates.push(StepIndex::new(step.get() + 1)),
                Ordering::Concurrent(graph) => candidates.extend(graph.after(step)),
            }
        } else if draft.has_room(steps.len()) && step.at() < saga.steps.len() {
            steps.push(step);
        }
    }
    steps.sort_unstable();
    steps.dedup();
    Ready { all_done: indexes(saga).all(|step| done(draft, step)), steps }
}

/// The compensations that may start: of every action that ended or may have been called (behaviour 63), the
/// later ones first, and only when no action is out any more (invariant I5).
pub(super) fn next_compensations(draft: &mut Draft<'_>, saga: &Saga<'_>) -> Ready {
    let done = |draft: &Draft<'_>, step: StepIndex| {
        let action = draft.row(action_row(step));
        let untouched = action.status == BranchStatus::Prepared && !action.started;
        untouched || draft.row(compensation_row(step)).status == BranchStatus::Succeed
    };
    if indexes(saga).any(|step| draft.is_out(CallKey::Branch(action_row(step)))) {
        return Ready { steps: Vec::new(), all_done: false };
    }
    let mut candidates: Vec<StepIndex> = match saga.ordering {
        Ordering::Sequential => indexes(saga).rev().find(|&step| !done(draft, step)).into_iter().collect(),
        Ordering::Concurrent(_) => indexes(saga).collect(),
    };
    let mut steps = Vec::new();
    while let Some(step) = candidates.pop() {
        let row = compensation_row(step);
        if done(draft, step) || is_busy(draft, CallKey::Branch(row)) {
            continue;
        }
        if let Ordering::Concurrent(graph) = saga.ordering
            && !graph.after(step).iter().all(|&after| done(draft, after))
        {
            continue;
        }
        if saga.steps.get(step.at()).is_some_and(|step| step.compensate.is_empty()) {
            draft.end_row(row, BranchStatus::Succeed);
            match saga.ordering {
                Ordering::Sequential => {
                    candidates.extend(indexes(saga).rev().find(|&step| !done(draft, step)));
                }
                Ordering::Concurrent(graph) => candidates.extend(graph.before(step)),
            }
        } else if draft.has_room(steps.len()) {
            steps.push(step);
        }
    }
    steps.sort_unstable_by(|a, b| b.cmp(a));
    steps.dedup();
    Ready { all_done: indexes(saga).all(|step| done(draft, step)), steps }
}

fn indexes(saga: &Saga<'_>) -> impl DoubleEndedIterator<Item = StepIndex> + use<> {
    let count = u32::try_from(saga.steps.len()).unwrap_or(u32::MAX);
    (0..count).map(StepIndex::new)
}

fn is_busy(draft: &Draft<'_>, key: CallKey) -> bool {
    draft.is_out(key) || draft.is_parked(key)
}
