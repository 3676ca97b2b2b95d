//! How far each branch row has come.

use super::{BranchStatus, Timestamp};

/// The position of a branch row in storage order (see [`rows`](super::rows)). `u32`, because it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchIndex(u32);

impl BranchIndex {
    /// The row at position `index`.
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

/// What is known about one branch row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BranchProgress {
    /// What the branch told us.
    pub status: BranchStatus,
    /// Whether a call may have reached the branch. A saga compensates every action for which this holds.
    pub started: bool,
    /// Tries that ended in [`Outcome::Unknown`](super::Outcome::Unknown), as far as a retry limit counts them.
    pub attempts: u32,
    /// When `status` became final.
    pub ended_at: Option<Timestamp>,
}

impl BranchProgress {
    /// Nothing has happened yet.
    pub const UNTOUCHED: Self =
        Self { status: BranchStatus::Prepared, started: false, attempts: 0, ended_at: None };
}
