//! Registration of branches while a transaction is prepared.

use super::{Limits, Refusal};
use crate::model::{Mode, Registration, Status, Transaction};

/// What becomes of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is new and has to be appended.
    New,
    /// The same branch is there with the same content (decision 2); nothing to do.
    Same,
}

/// Checks a registration against the transaction (behaviour 21, 22, 25, decision 2).
///
/// # Errors
/// [`Refusal`] when the transaction is of another mode or not prepared, when the branch is there with other
/// content, or when there are too many. A workflow step that is there already is always refused, so that the
/// second of two executions notices.
pub fn register(
    transaction: &Transaction,
    registration: &Registration,
    limits: &Limits,
) -> Result<Registered, Refusal> {
    let gid = || transaction.gid().to_string();
    if transaction.status() != Status::Prepared || transaction.mode() != registration.mode() {
        return Err(Refusal::NotPrepared { gid: gid() });
    }
    if let Some(taken) = transaction.registrations.iter().find(|taken| taken.row() == registration.row()) {
        let difference = match difference(taken, registration) {
            None if registration.mode() != Mode::Workflow => return Ok(Registered::Same),
            None => "the execution that registered it",
            Some(field) => field,
        };
        let branch_id = registration.branch_id().to_string();
        return Err(Refusal::BranchTaken { gid: gid(), branch_id, difference });
    }
    let found = transaction.registrations.len() + 1;
    if found > limits.branches_max {
        return Err(Refusal::TooManyBranches { found, limit: limits.branches_max });
    }
    Ok(Registered::New)
}

fn difference(stored: &Registration, request: &Registration) -> Option<&'static str> {
    match (stored, request) {
        (
            Registration::Tcc { confirm: c1, cancel: x1, data: d1, .. },
            Registration::Tcc { confirm: c2, cancel: x2, data: d2, .. },
        ) => {
            if c1 != c2 {
                Some("confirm")
            } else if x1 != x2 {
                Some("cancel")
            } else {
                (d1 != d2).then_some("data")
            }
        }
        (Registration::Xa { url: u1, data: d1, .. }, Registration::Xa { url: u2, data: d2, .. }) => {
            if u1 == u2 { (d1 != d2).then_some("data") } else { Some("url") }
        }
        (
            Registration::Workflow { status: s1, data: d1, .. },
            Registration::Workflow { status: s2, data: d2, .. },
        ) => {
            if s1 == s2 {
                (d1 != d2).then_some("data")
            } else {
                Some("status")
            }
        }
        (Registration::Tcc { .. } | Registration::Xa { .. } | Registration::Workflow { .. }, _) => {
            Some("trans_type")
        }
    }
}
