//! I2: a terminal status never changes, and nobody sees one that is not durable.

use super::{Fact, View};

pub(super) fn holds(before: &View<'_>, _: &[Fact], after: &View<'_>) -> Result<(), String> {
    if before.stored_status.is_final() && after.stored_status != before.stored_status {
        return Err(format!("{} became {}", before.stored_status, after.stored_status));
    }
    if after.status.is_final() && after.stored_status != after.status {
        return Err(format!("{} is shown, {} is stored", after.status, after.stored_status));
    }
    Ok(())
}
