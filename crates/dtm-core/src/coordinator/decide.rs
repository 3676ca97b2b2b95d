//! The decision function.

use super::draft::Draft;
use super::{Decision, Illegal, InFlight, Input, Policy, msg, saga, tcc, workflow, xa};
use crate::model::{Plan, Status, Timestamp, Transaction};

/// What happens next to `transaction` after `input`.
///
/// Pure and total: the same arguments give the same answer, whatever they are. `in_flight` has to have
/// [received](InFlight::receive) the input. `docs/state-tables.md` lists the answer for every mode, status
/// and input.
///
/// # Errors
/// [`Illegal`] when the input makes no sense for a transaction of this mode in this status. Nothing may be
/// written or called then.
pub fn decide(
    transaction: &Transaction,
    in_flight: &InFlight,
    input: &Input,
    policy: &Policy,
    now: Timestamp,
) -> Result<Decision, Illegal> {
    let mut draft = Draft::new(transaction, in_flight, input, policy, now);
    match transaction.status() {
        Status::Succeed | Status::Failed => return after_the_end(&draft),
        Status::Prepared | Status::Submitted | Status::Aborting => {}
    }
    match input {
        Input::ForceStopped => draft.go_to(Status::Failed),
        Input::Submitted { .. }
        | Input::Aborted { .. }
        | Input::Rescheduled
        | Input::Woke
        | Input::Branch { .. }
        | Input::Probed { .. }
        | Input::Resumed { .. } => {
            if *input == Input::Rescheduled {
                draft.reschedule(now);
            }
            match &transaction.definition.plan {
                Plan::Saga { steps, ordering } => saga::decide(&mut draft, steps, ordering)?,
                Plan::Message { steps, query_prepared, .. } => {
                    msg::decide(&mut draft, steps, query_prepared)?
                }
                Plan::Tcc => tcc::decide(&mut draft)?,
                Plan::Xa => xa::decide(&mut draft)?,
                Plan::Workflow { callback, name, data } => {
                    workflow::decide(&mut draft, callback, name, data)?;
                }
            }
        }
    }
    Ok(draft.finish())
}

/// The end is final (invariant I2): late answers and timers change nothing, requests are refused.
fn after_the_end(draft: &Draft<'_>) -> Result<Decision, Illegal> {
    match draft.input {
        Input::Woke
        | Input::Rescheduled
        | Input::Branch { .. }
        | Input::Probed { .. }
        | Input::Resumed { .. } => Ok(Decision::default()),
        Input::Submitted { .. } | Input::Aborted { .. } | Input::ForceStopped => Err(draft.illegal()),
    }
}
