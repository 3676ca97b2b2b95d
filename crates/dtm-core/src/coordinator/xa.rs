//! XA: every branch has prepared a database transaction; commit or roll back each, the first one first.

use super::Illegal;
use super::draft::Draft;
use super::second_phase::SecondPhase;
use crate::model::Op;

pub(super) fn decide(draft: &mut Draft<'_>) -> Result<(), Illegal> {
    SecondPhase { forward: Op::Commit, back: Op::Rollback, last_first: false }.decide(draft)
}
