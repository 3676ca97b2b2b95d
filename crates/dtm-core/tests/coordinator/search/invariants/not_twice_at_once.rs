//! No call is made while the same call is out.

use super::{Fact, View};

pub(super) fn holds(_: &View<'_>, facts: &[Fact], _: &View<'_>) -> Result<(), String> {
    for Fact::Called { place, already_out } in facts {
        if *already_out {
            return Err(format!("{place:?} was called while it was out"));
        }
    }
    Ok(())
}
