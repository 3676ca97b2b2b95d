//! The one change that a decision makes durable.

use std::collections::BTreeMap;

use crate::model::{Amendment, BranchIndex, BranchProgress, Seconds, Status, Timestamp};

/// Whether effects have to wait for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// May ride on the next write; flushed on its own when none comes. Losing it only repeats calls that
    /// every branch must tolerate anyway.
    Deferrable,
    /// Must be durable before any effect of the decision.
    BeforeEffects,
}

/// A change of a transaction's state. `None` and absent rows: unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The status that this write was decided on; any other makes it a conflict.
    pub expect: Status,
    /// Whether effects have to wait for it.
    pub durability: Durability,
    /// When it was decided.
    pub at: Timestamp,
    /// The new status.
    pub status: Option<Status>,
    /// The new reason for the roll-back.
    pub reason: Option<String>,
    /// The result of a workflow.
    pub result: Option<String>,
    /// Rows that changed.
    pub rows: BTreeMap<BranchIndex, BranchProgress>,
    /// The new interval between tries.
    pub interval: Option<Seconds>,
    /// The new time of the next try.
    pub next_retry: Option<Timestamp>,
    /// The new number of failing passes in a row.
    pub failures: Option<u32>,
    /// What submit added.
    pub amendment: Option<Amendment>,
}

impl Write {
    /// A write that changes nothing yet.
    #[must_use]
    pub const fn unchanged(expect: Status, at: Timestamp) -> Self {
        Self {
            expect,
            durability: Durability::Deferrable,
            at,
            status: None,
            reason: None,
            result: None,
            rows: BTreeMap::new(),
            interval: None,
            next_retry: None,
            failures: None,
            amendment: None,
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { durability: self.durability, ..Self::unchanged(self.expect, self.at) }
    }
}
