//! I8: after the faults stop, every transaction reaches a terminal state within a bounded time. The run is
//! observed only when that time is over.

use super::{Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    observed
        .stored()
        .filter(|stored| !stored.status().is_final())
        .map(|stored| {
            Violation::new("I8", stored.gid(), format!("it is still {} at the end", stored.status()))
        })
        .collect()
}
