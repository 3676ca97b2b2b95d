//! The whole: definition, registered branches, state.

use dtm_core::model::{Status, Transaction};

use super::{Refused, Rules, definition, registered, state};
use crate::{BranchRecord, GlobalRecord};

/// The transaction that an unfinished record of DTM stands for, registered branches included.
///
/// # Errors
/// [`Refused`] saying what is wrong with which field.
pub fn convert(
    global: &GlobalRecord,
    branches: &[BranchRecord],
    rules: &Rules<'_>,
) -> Result<Transaction, Refused> {
    let standing = state::standing(global)?;
    if branches.is_empty() {
        check_may_be_empty(global, &standing)?;
    }
    let definition = definition::definition(global, &standing, branches, rules)?;
    let registrations = registered::registrations(global, standing.mode, branches, rules)?;
    (rules.callable)(&definition, &registrations).map_err(Refused::new)?;
    let state = state::state(global, &standing, &definition, branches, rules)?;
    Ok(Transaction { definition, state, registrations })
}

/// DTM ends a transaction without branches at once. One that is under way has lost them (rows were deleted, keys
/// have expired), and taking it would call it done although nobody was called.
fn check_may_be_empty(global: &GlobalRecord, standing: &state::Standing) -> Result<(), Refused> {
    if standing.status == Status::Prepared && global.listed_steps == 0 {
        return Ok(());
    }
    Err(Refused::new("its branches are gone: it is under way, and has none"))
}
