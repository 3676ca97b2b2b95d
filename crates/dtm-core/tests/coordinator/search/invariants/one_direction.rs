//! I6: confirm and commit never follow cancel and roll-back on the same branch, nor the other way round.

use super::{Fact, View};

pub(super) fn holds(_: &View<'_>, _: &[Fact], after: &View<'_>) -> Result<(), String> {
    match after.sites.iter().position(|site| site.asked_finish && site.asked_back) {
        Some(number) => Err(format!("branch {number} was asked to finish and to go back")),
        None => Ok(()),
    }
}
