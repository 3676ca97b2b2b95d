//! Which faults happen, and how often.

use std::time::Duration;

/// Which faults a [`SimStore`](crate::SimStore) makes. The default makes none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How many of a thousand writes happen, but are reported as [`Unavailable`](dtm_store::Error::Unavailable).
    pub lost_answers: u32,
    /// How many of a thousand calls, reads included, fail as `Unavailable` before anything has happened.
    pub failures: u32,
    /// The longest that a call takes, in virtual time; half of the delay comes before the moment at which it
    /// happens, half behind it.
    pub delay_max: Duration,
    /// When the store crashes.
    pub crash: Option<CrashAt>,
}

/// The moment of a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashAt {
    /// At which write, counted from 1 since the store was opened. This write happens, but is never answered.
    pub write: u64,
    /// Whether what was not acknowledged yet is lost: that write, and every earlier one whose answer was still
    /// under way, unless something acknowledged came after it.
    pub loses_unacknowledged: bool,
}
