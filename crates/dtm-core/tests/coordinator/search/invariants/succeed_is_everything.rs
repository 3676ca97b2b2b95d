//! I3: `succeed` means that every action, confirm or commit took effect exactly once.

use dtm_core::model::{Mode, Status};

use super::{Fact, View};

pub(super) fn holds(_: &View<'_>, _: &[Fact], after: &View<'_>) -> Result<(), String> {
    if after.status != Status::Succeed {
        return Ok(());
    }
    let finished = match after.mode {
        Mode::Tcc | Mode::Xa => 1,
        Mode::Saga | Mode::Message | Mode::Workflow => 0,
    };
    for (number, site) in after.sites.iter().enumerate() {
        if (site.forward, site.finished, site.back) != (1, finished, 0) {
            return Err(format!("succeed, but branch {number} is {site:?}"));
        }
    }
    Ok(())
}
