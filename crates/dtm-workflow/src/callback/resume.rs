//! An execution that outlives the request, and what it is answered with.
//!
//! | the execution | answer | the server |
//! |---|---|---|
//! | has ended well | 200, `OK` | is done |
//! | is rolled back | 409, `ABORTED` | is done |
//! | goes on here, or a step is still at it, or too many do | 425, `FAILED_PRECONDITION` | calls again after the interval |
//! | anything else | 500, `UNKNOWN` | calls again, less and less often, and alerts |

use dtm_barrier::{BranchError, BranchResult, Done};
use tracing::warn;

use crate::{Error, Workflows};

/// Goes on with a workflow. The server waits a few seconds only; the execution goes on without it, and the
/// next call is told that it does.
pub(super) async fn resume(workflows: &Workflows, name: String, gid: String, input: Vec<u8>) -> BranchResult {
    let Ok(permit) = workflows.callbacks().try_acquire_owned() else {
        warn!(gid, name, "too many executions at once: the server calls again later");
        return Err(BranchError::Ongoing);
    };
    let workflows = workflows.clone();
    let execution = tokio::spawn(async move {
        let ended = workflows.execute_bytes(&name, &gid, input).await;
        drop(permit);
        ended.map(|_| Done).map_err(|error| answer(error, &name, &gid))
    });
    execution.await?
}

fn answer(error: Error, name: &str, gid: &str) -> BranchError {
    match error {
        Error::RolledBack { reason, .. } => BranchError::RollBack(reason),
        Error::Executing { .. } | Error::Ongoing { .. } => BranchError::Ongoing,
        // Only these have nothing of a payload in their text.
        Error::Diverged { .. } | Error::NotRegistered { .. } => {
            warn!(gid, name, %error, "a workflow cannot go on");
            error.into()
        }
        other => {
            warn!(gid, name, "a workflow has not ended: the server calls again later");
            other.into()
        }
    }
}
