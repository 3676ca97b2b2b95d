//! What is wrong.

use std::fmt;

use dtm_core::model::Gid;

use super::{
    Observed, calls, i1_kept, i2_final, i3_done_once, i4_undone, i5_reverse, i6_one_way, i7_message, i8_ends,
    i11_fenced, i12_recorded_once, repeats, successors,
};

/// One invariant that does not hold for one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant: `I1`, `I2`, ...
    pub invariant: &'static str,
    /// The transaction.
    pub gid: Gid,
    /// What is wrong, in words.
    pub what: String,
}

impl Violation {
    pub(super) fn new(invariant: &'static str, gid: &Gid, what: impl Into<String>) -> Self {
        Self { invariant, gid: gid.clone(), what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.invariant, self.gid, self.what)
    }
}

/// All violations of all invariants.
#[must_use]
pub fn check(observed: &Observed<'_>) -> Vec<Violation> {
    [
        i1_kept::check,
        i2_final::check,
        i3_done_once::check,
        i4_undone::check,
        i5_reverse::check,
        i6_one_way::check,
        i7_message::check,
        i8_ends::check,
        i11_fenced::check,
        i12_recorded_once::check,
        calls::check,
        repeats::check,
        successors::check,
    ]
    .into_iter()
    .flat_map(|invariant| invariant(observed))
    .collect()
}
