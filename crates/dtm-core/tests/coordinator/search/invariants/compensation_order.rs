//! I5: a saga compensation comes after the action that it undoes, in reverse order or against `orders`.

use dtm_core::coordinator::CallKey;
use dtm_core::model::Mode;

use super::super::site::Phase;
use super::super::world::place_of;
use super::{Fact, View};

pub(super) fn holds(_: &View<'_>, facts: &[Fact], after: &View<'_>) -> Result<(), String> {
    if after.mode != Mode::Saga {
        return Ok(());
    }
    for fact in facts {
        let Fact::Called { place: Some((site, Phase::Back)), .. } = fact else { continue };
        let is_forward =
            |key: &&CallKey| place_of(after.mode, **key).is_some_and(|(_, phase)| phase == Phase::Forward);
        if let Some(call) = after.calls.iter().find(is_forward) {
            return Err(format!("branch {site} is compensated while {call:?} is out"));
        }
        for &later in &after.later[*site] {
            let other = &after.sites[later];
            if other.asked_forward && !other.went_back() {
                return Err(format!("branch {site} is compensated before branch {later}"));
            }
        }
    }
    Ok(())
}
