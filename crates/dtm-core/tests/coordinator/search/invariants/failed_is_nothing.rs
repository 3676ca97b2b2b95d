//! I4: `failed` means no net effect, unless an operator has stopped the transaction.

use dtm_core::model::Status;

use super::{Fact, View};

pub(super) fn holds(_: &View<'_>, _: &[Fact], after: &View<'_>) -> Result<(), String> {
    if after.status != Status::Failed || after.forced {
        return Ok(());
    }
    for (number, site) in after.sites.iter().enumerate() {
        if site.forward != site.back || site.finished > 0 {
            return Err(format!("failed, but branch {number} is {site:?}"));
        }
    }
    Ok(())
}
