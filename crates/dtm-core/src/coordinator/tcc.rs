//! TCC: the client tries, then every branch is confirmed or cancelled, the last registered one first.

use super::Illegal;
use super::draft::Draft;
use super::second_phase::SecondPhase;
use crate::model::Op;

pub(super) fn decide(draft: &mut Draft<'_>) -> Result<(), Illegal> {
    SecondPhase { forward: Op::Confirm, back: Op::Cancel, last_first: true }.decide(draft)
}
