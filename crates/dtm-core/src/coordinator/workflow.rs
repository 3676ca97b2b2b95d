//! Workflow: the client runs it and says how it ended; the server calls it back until it does.
//!
//! | status | input | what happens |
//! |---|---|---|
//! | prepared | submitted | succeed or failed, as the client says, with its result |
//! | prepared | woke, and the next try is due | call the client back |
//! | prepared | call-back succeeded or ongoing | look again after the interval |
//! | prepared | call-back failed or unknown | look again later each time; alert |

use std::sync::Arc;

use super::draft::{Draft, Target};
use super::{CallKey, CallOp, Illegal, Input};
use crate::model::{BranchId, Outcome, Payload, Status};

pub(super) fn decide(
    draft: &mut Draft<'_>,
    callback: &Arc<str>,
    name: &Arc<str>,
    data: &Payload,
) -> Result<(), Illegal> {
    match (draft.status(), draft.input) {
        (Status::Prepared, Input::Submitted { end: Some(end), .. }) => {
            draft.with_result(&end.result);
            if !end.succeeded {
                draft.because(&end.reason);
            }
            draft.go_to(if end.succeeded { Status::Succeed } else { Status::Failed });
        }
        (Status::Prepared, Input::Woke | Input::Rescheduled) => call_back(draft, callback, name, data),
        (Status::Prepared, Input::Resumed { outcome }) => resumed(draft, callback, outcome),
        (
            Status::Prepared,
            Input::Submitted { end: None, .. } | Input::Aborted { .. } | Input::Branch { .. },
        )
        | (Status::Submitted | Status::Aborting | Status::Succeed | Status::Failed, _)
        | (_, Input::ForceStopped | Input::Probed { .. }) => return Err(draft.illegal()),
    }
    Ok(())
}

/// Behaviour 98: due is due, whatever the age.
fn call_back(draft: &mut Draft<'_>, callback: &Arc<str>, name: &Arc<str>, data: &Payload) {
    if draft.now < draft.next_retry() {
        return draft.wake_at(draft.next_retry());
    }
    if draft.is_out(CallKey::Resume) {
        return;
    }
    if callback.is_empty() {
        let cause = "query_prepared is empty: the workflow cannot be called back".to_owned();
        return draft.park(CallKey::Resume, callback, &Outcome::NotSent { cause });
    }
    draft.call(Target {
        key: CallKey::Resume,
        branch_id: BranchId::root(),
        op: CallOp::Workflow(Arc::clone(name)),
        url: callback,
        payload: data,
    });
}

/// Decision 8: errors back off and alert, "ongoing" keeps the interval. A success changes nothing by itself:
/// the client reports the end by a submit.
fn resumed(draft: &mut Draft<'_>, callback: &Arc<str>, outcome: &Outcome) {
    if *outcome == Outcome::Success {
        draft.reset_interval();
    }
    draft.park(CallKey::Resume, callback, outcome);
}
