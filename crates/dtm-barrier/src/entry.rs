//! What to do with a call.

/// What [`BranchBarrier::enter`](crate::BranchBarrier) says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Entry {
    /// It is the first: do it, and commit together with the barrier.
    First,
    /// Do nothing, commit, and say "done".
    NothingToDo(Skip),
}

/// What has become of a call behind the barrier. Both are success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called<T> {
    /// The closure ran, and what it did is committed. What it returned.
    Ran(T),
    /// The closure did not run, because there is nothing to do.
    NothingToDo(Skip),
}

/// Why there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skip {
    /// This very call came before, and took effect. For a message: its local transaction has committed.
    Repeated,
    /// What it would undo has never been here, and is kept out from now on (null compensation).
    NothingToUndo,
    /// It has been undone before it came (dangling).
    Undone,
}

impl<T> Called<T> {
    /// What the closure returned, if it ran.
    pub fn ran(self) -> Option<T> {
        match self {
            Self::Ran(value) => Some(value),
            Self::NothingToDo(_) => None,
        }
    }
}
