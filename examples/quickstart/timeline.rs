//! What the reader sees: who did what, and when.

use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// An amount in cents; never a floating point number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Money(i64);

impl Money {
    pub(crate) const fn euros(euros: i64) -> Self {
        Self(euros * 100)
    }

    pub(crate) const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    pub(crate) const fn cents(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100)
    }
}

/// Prints lines with the time since the start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeline {
    started: Instant,
}

impl Timeline {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    pub(crate) fn act(self, title: &str) {
        println!("\n{title}");
    }

    pub(crate) fn say(self, who: &str, what: &str) {
        println!("  {:>6} ms  {who:<9} {what}", self.started.elapsed().as_millis());
    }
}
