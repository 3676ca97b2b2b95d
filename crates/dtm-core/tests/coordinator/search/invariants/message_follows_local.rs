//! I7: the branches of a message run if, and only if, the local transaction committed.

use dtm_core::model::{Mode, Status};

use super::super::world::Local;
use super::{Fact, View};

pub(super) fn holds(_: &View<'_>, _: &[Fact], after: &View<'_>) -> Result<(), String> {
    if after.mode != Mode::Message {
        return Ok(());
    }
    if after.local != Local::Committed && after.sites.iter().any(|site| site.asked_forward) {
        return Err(format!("a branch was called, but the local transaction is {:?}", after.local));
    }
    if after.local == Local::Committed && after.status == Status::Failed && !after.forced {
        return Err("failed, but the local transaction committed".to_owned());
    }
    Ok(())
}
