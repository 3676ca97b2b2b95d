//! I8, the part that one look can judge: what is not at its end has a call out or a time to look again.

use super::{Fact, View};

pub(super) fn holds(_: &View<'_>, _: &[Fact], after: &View<'_>) -> Result<(), String> {
    if after.status.is_final() || !after.calls.is_empty() || after.wake.is_some() {
        return Ok(());
    }
    Err(format!("{} with no call out and no wake-up", after.status))
}
