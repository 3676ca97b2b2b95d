//! Which step of a saga waits for which.

use std::collections::BTreeMap;

/// The 0-based position of a step. `u32`, because it is stored, and 2^32 steps fit no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIndex(u32);

impl StepIndex {
    /// The step at position `index`.
    #[must_use]
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The position.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The position, to index a slice.
    #[must_use]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

/// The order in which the steps of a saga may start. Compensations run against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ordering {
    /// One after the other, as listed.
    Sequential,
    /// Each step as soon as its predecessors have succeeded. Free of cycles, because [`Ordering::concurrent`]
    /// is the only way to get one.
    Concurrent(Predecessors),
}

/// For each step the steps that it waits for, and the other way round. Both sorted, without doubles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessors {
    before: Vec<Vec<StepIndex>>,
    after: Vec<Vec<StepIndex>>,
    sorted: Vec<StepIndex>,
}

/// Why `orders` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderingError {
    /// A step that does not exist.
    #[error("orders names step {index}, but there are {steps} steps, counted from 0")]
    UnknownStep {
        /// The index that was named.
        index: u64,
        /// How many steps there are.
        steps: usize,
    },
    /// Steps that wait for one another.
    #[error("orders has a cycle through step {index}: it would wait for itself")]
    Cycle {
        /// One step of the cycle.
        index: u32,
    },
}

impl Ordering {
    /// An ordering from `orders`: for a step the steps that must have succeeded before it starts.
    ///
    /// # Errors
    /// [`OrderingError`] when a step does not exist, or when steps wait for one another.
    pub fn concurrent(steps: usize, orders: &BTreeMap<u64, Vec<u64>>) -> Result<Self, OrderingError> {
        let known = |index: u64| match u32::try_from(index) {
            Ok(small) if (small as usize) < steps => Ok(StepIndex(small)),
            Ok(_) | Err(_) => Err(OrderingError::UnknownStep { index, steps }),
        };
        let mut before = vec![Vec::new(); steps];
        let mut after = vec![Vec::new(); steps];
        for (&step, predecessors) in orders {
            let step = known(step)?;
            for &predecessor in predecessors {
                before[step.at()].push(known(predecessor)?);
            }
            before[step.at()].sort_unstable();
            before[step.at()].dedup();
            for &predecessor in &before[step.at()] {
                after[predecessor.at()].push(step);
            }
        }
        let sorted = topologically_sorted(&before, &after)?;
        Ok(Self::Concurrent(Predecessors { before, after, sorted }))
    }
}

impl Predecessors {
    /// The steps that `step` waits for.
    #[must_use]
    pub fn before(&self, step: StepIndex) -> &[StepIndex] {
        self.before.get(step.at()).map_or(&[], Vec::as_slice)
    }

    /// The steps that wait for `step`.
    #[must_use]
    pub fn after(&self, step: StepIndex) -> &[StepIndex] {
        self.after.get(step.at()).map_or(&[], Vec::as_slice)
    }

    /// For each step that waits for any, the steps that it waits for.
    pub fn iter(&self) -> impl Iterator<Item = (StepIndex, &[StepIndex])> {
        (0..)
            .map(StepIndex)
            .zip(self.before.iter().map(Vec::as_slice))
            .filter(|(_, before)| !before.is_empty())
    }

    /// All steps, each one behind the steps that it waits for. Whoever goes through them in this order has
    /// looked at every predecessor before the step itself.
    #[must_use]
    pub fn sorted(&self) -> &[StepIndex] {
        &self.sorted
    }
}

/// Kahn's algorithm: Kahn, "Topological sorting of large networks", CACM 5 (11), 1962.
fn topologically_sorted(
    before: &[Vec<StepIndex>],
    after: &[Vec<StepIndex>],
) -> Result<Vec<StepIndex>, OrderingError> {
    let mut open: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut sorted: Vec<StepIndex> =
        (0..).map(StepIndex).zip(&open).filter(|(_, open)| **open == 0).map(|(step, _)| step).collect();
    let mut at = 0;
    while let Some(&step) = sorted.get(at) {
        at += 1;
        for &next in &after[step.at()] {
            open[next.at()] -= 1;
            if open[next.at()] == 0 {
                sorted.push(next);
            }
        }
    }
    match (0..).zip(&open).find(|(_, open)| **open > 0) {
        Some((index, _)) => Err(OrderingError::Cycle { index }),
        None => Ok(sorted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(pairs: &[(u64, &[u64])]) -> BTreeMap<u64, Vec<u64>> {
        pairs.iter().map(|(step, before)| (*step, before.to_vec())).collect()
    }

    #[test]
    fn an_order_over_existing_steps_without_a_cycle_is_accepted() {
        let ordering = Ordering::concurrent(3, &orders(&[(2, &[0, 1, 0])])).unwrap();
        let Ordering::Concurrent(graph) = ordering else { panic!("expected a graph") };
        assert_eq!(graph.before(StepIndex(2)), [StepIndex(0), StepIndex(1)]);
        assert_eq!(graph.after(StepIndex(0)), [StepIndex(2)]);
    }

    #[test]
    fn sorted_lists_every_step_once_and_behind_the_steps_that_it_waits_for() {
        let ordering = Ordering::concurrent(4, &orders(&[(0, &[3]), (3, &[2])])).unwrap();
        let Ordering::Concurrent(graph) = ordering else { panic!("expected a graph") };
        assert_eq!(graph.sorted(), [StepIndex(1), StepIndex(2), StepIndex(3), StepIndex(0)]);
    }

    #[test]
    fn an_unknown_step_and_a_cycle_are_refused() {
        // decision 14
        assert_eq!(
            Ordering::concurrent(2, &orders(&[(1, &[2])])),
            Err(OrderingError::UnknownStep { index: 2, steps: 2 })
        );
        assert_eq!(
            Ordering::concurrent(2, &orders(&[(u64::MAX, &[0])])),
            Err(OrderingError::UnknownStep { index: u64::MAX, steps: 2 })
        );
        assert!(matches!(
            Ordering::concurrent(3, &orders(&[(0, &[1]), (1, &[0])])),
            Err(OrderingError::Cycle { .. })
        ));
        assert!(matches!(Ordering::concurrent(1, &orders(&[(0, &[0])])), Err(OrderingError::Cycle { .. })));
    }
}
