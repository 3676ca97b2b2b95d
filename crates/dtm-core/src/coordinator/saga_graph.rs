//! Which steps of a saga may start now: forward along the order, back against it.
//!
//! Each decision looks at every step, and at every entry of `orders`, at most once.

use super::CallKey;
use super::draft::Draft;
use super::saga::{Saga, action_row, compensation_row};
use crate::model::{BranchStatus, Ordering, Predecessors, StepIndex};

/// The steps whose turn it is.
pub(super) struct Ready {
    /// To be called now.
    pub(super) steps: Vec<StepIndex>,
    /// Nothing is left to do, and nothing is out.
    pub(super) all_done: bool,
    /// A branch has said that it never will.
    pub(super) refused: bool,
}

/// The actions that may start. Steps without an action URL succeed here (behaviour 54).
pub(super) fn next_actions(draft: &mut Draft<'_>, saga: &Saga<'_>) -> Ready {
    match saga.ordering {
        Ordering::Sequential => select(draft, indexes(0, saga), &Actions { saga, graph: None }),
        Ordering::Concurrent(graph) => {
            select(draft, in_order(graph, saga), &Actions { saga, graph: Some(graph) })
        }
    }
}

/// The compensations that may start: of every action that ended or may have been called (behaviour 63), the
/// later ones first, and only when no action is out any more (invariant I5).
pub(super) fn next_compensations(draft: &mut Draft<'_>, saga: &Saga<'_>) -> Ready {
    if draft.in_flight.calls().iter().any(is_action) {
        return Ready { steps: Vec::new(), all_done: false, refused: false };
    }
    match saga.ordering {
        Ordering::Sequential => select(draft, indexes(0, saga).rev(), &Compensations { saga, graph: None }),
        Ordering::Concurrent(graph) => {
            select(draft, in_order(graph, saga).rev(), &Compensations { saga, graph: Some(graph) })
        }
    }
}

/// One direction through a saga. Without a graph each step waits for the one that was looked at before it.
trait Direction {
    fn is_done(&self, draft: &Draft<'_>, step: StepIndex) -> bool;
    fn is_refused(&self, draft: &Draft<'_>, step: StepIndex) -> bool;
    fn key(&self, step: StepIndex) -> CallKey;
    fn has_url(&self, step: StepIndex) -> bool;
    fn skip(&self, draft: &mut Draft<'_>, step: StepIndex);
    /// The steps that have to be done before `step`; `None`: all that were looked at before it.
    fn waits_for(&self, step: StepIndex) -> Option<&[StepIndex]>;
}

/// `steps` are looked at once each, so they have to come behind what they wait for.
fn select(
    draft: &mut Draft<'_>,
    steps: impl Iterator<Item = StepIndex>,
    direction: &impl Direction,
) -> Ready {
    let mut ready = Ready { steps: Vec::new(), all_done: true, refused: false };
    for step in steps {
        if direction.is_done(draft, step) {
            continue;
        }
        let may_start = match direction.waits_for(step) {
            None => ready.all_done,
            Some(others) => others.iter().all(|&other| direction.is_done(draft, other)),
        };
        if may_start && !direction.has_url(step) {
            direction.skip(draft, step);
            continue;
        }
        ready.all_done = false;
        ready.refused |= direction.is_refused(draft, step);
        let key = direction.key(step);
        let is_free = !draft.is_out(key) && !draft.is_parked(key);
        if may_start && is_free && draft.has_room(ready.steps.len()) {
            ready.steps.push(step);
        }
        if direction.waits_for(step).is_none() || !draft.has_room(ready.steps.len()) {
            break; // the others wait for this one, or for a call to end
        }
    }
    ready
}

struct Actions<'s> {
    saga: &'s Saga<'s>,
    graph: Option<&'s Predecessors>,
}

impl Direction for Actions<'_> {
    fn is_done(&self, draft: &Draft<'_>, step: StepIndex) -> bool {
        draft.row(action_row(step)).status == BranchStatus::Succeed
    }

    fn is_refused(&self, draft: &Draft<'_>, step: StepIndex) -> bool {
        draft.row(action_row(step)).status == BranchStatus::Failed
    }

    fn key(&self, step: StepIndex) -> CallKey {
        CallKey::Branch(action_row(step))
    }

    fn has_url(&self, step: StepIndex) -> bool {
        self.saga.steps.get(step.at()).is_some_and(|step| !step.action.is_empty())
    }

    fn skip(&self, draft: &mut Draft<'_>, step: StepIndex) {
        draft.skip_row(action_row(step));
    }

    fn waits_for(&self, step: StepIndex) -> Option<&[StepIndex]> {
        self.graph.map(|graph| graph.before(step))
    }
}

struct Compensations<'s> {
    saga: &'s Saga<'s>,
    graph: Option<&'s Predecessors>,
}

impl Direction for Compensations<'_> {
    fn is_done(&self, draft: &Draft<'_>, step: StepIndex) -> bool {
        let action = draft.row(action_row(step));
        let untouched = action.status == BranchStatus::Prepared && !action.started;
        untouched || draft.row(compensation_row(step)).status == BranchStatus::Succeed
    }

    fn is_refused(&self, _: &Draft<'_>, _: StepIndex) -> bool {
        false // a compensation has no choice
    }

    fn key(&self, step: StepIndex) -> CallKey {
        CallKey::Branch(compensation_row(step))
    }

    fn has_url(&self, step: StepIndex) -> bool {
        self.saga.steps.get(step.at()).is_some_and(|step| !step.compensate.is_empty())
    }

    fn skip(&self, draft: &mut Draft<'_>, step: StepIndex) {
        draft.skip_row(compensation_row(step));
    }

    fn waits_for(&self, step: StepIndex) -> Option<&[StepIndex]> {
        self.graph.map(|graph| graph.after(step))
    }
}

const fn is_action(key: &CallKey) -> bool {
    match key {
        CallKey::Branch(index) => index.get() % 2 == 1,
        CallKey::Probe | CallKey::Resume => false,
    }
}

/// All steps, each one behind the steps that it waits for.
fn in_order<'s>(
    graph: &'s Predecessors,
    saga: &'s Saga<'_>,
) -> impl DoubleEndedIterator<Item = StepIndex> + use<'s> {
    let count = saga.steps.len();
    let known = graph.sorted().iter().copied().filter(move |step| step.at() < count);
    known.chain(indexes(graph.sorted().len(), saga))
}

fn indexes(from: usize, saga: &Saga<'_>) -> impl DoubleEndedIterator<Item = StepIndex> + use<> {
    let count = u32::try_from(saga.steps.len()).unwrap_or(u32::MAX);
    let from = u32::try_from(from).unwrap_or(u32::MAX);
    (from..count).map(StepIndex::new)
}
