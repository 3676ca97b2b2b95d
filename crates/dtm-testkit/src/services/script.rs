//! How a service misbehaves.

use std::collections::VecDeque;
use std::time::Duration;

/// One thing that goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The branch is still at it, and has done nothing yet.
    Ongoing,
    /// An error status; nothing was done.
    ErrorBefore,
    /// An error status; it was done all the same.
    ErrorAfter,
    /// The call never arrives, and the caller waits in vain.
    LostRequest,
    /// It was done, but the answer never arrives.
    LostAnswer,
    /// The caller has given up waiting when the call takes effect, that much later.
    Late(Duration),
    /// It is done and answered, and arrives once more that much later.
    Twice(Duration),
    /// The answer takes that long.
    Slow(Duration),
    /// No connection: the call was not made.
    NotSent,
    /// The branch says "failure" although it will do it one day. Only for phase two and messages, where that is
    /// no final answer.
    Reluctant,
}

/// How one operation of one branch behaves: the flaws one after the other, then well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// What goes wrong with the first calls.
    pub flaws: VecDeque<Flaw>,
    /// Whether the branch says no whenever it is reached: it never does it.
    pub refuses: bool,
}
