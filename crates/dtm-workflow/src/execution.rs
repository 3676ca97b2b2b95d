//! One execution of a workflow: steps are recorded and replayed here.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use dtm_barrier::{BranchBarrier, BranchError, BranchOp, NotABranchCall};
use dtm_client::{Error, Mode};
use dtm_core::model::Op;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use crate::meaning::meant;
use crate::model::{Answer, BranchNumber, Ending, Replay, StepEnd};
use crate::server::{Server, Step};

/// One execution. The function's `Workflow` and its branches share it.
pub(crate) struct Execution {
    gid: String,
    server: Arc<dyn Server>,
    replay: Mutex<Replay>,
    callbacks: Mutex<HashMap<(BranchNumber, Op), Callback>>,
}

/// A callback of phase two.
pub(crate) type Callback =
    Box<dyn FnOnce(BranchBarrier) -> BoxFuture<'static, Result<(), BranchError>> + Send>;

/// A callback that says no, although phase two has to get there in the end.
#[derive(Debug, thiserror::Error)]
#[error("the {op} of branch {branch} said no ({reason}): it has to succeed in the end, and is asked again")]
struct Refusing {
    op: &'static str,
    branch: BranchNumber,
    reason: String,
}

impl Execution {
    pub(crate) fn new(gid: String, server: Arc<dyn Server>, replay: Replay) -> Self {
        Self { gid, server, replay: Mutex::new(replay), callbacks: Mutex::default() }
    }

    pub(crate) fn gid(&self) -> &str {
        &self.gid
    }

    /// What has been decided so far, under a lock that is never held over an await.
    pub(crate) fn replay<T>(&self, read: impl FnOnce(&mut Replay) -> T) -> T {
        read(&mut self.replay.lock())
    }

    pub(crate) fn on(&self, branch: BranchNumber, op: Op, callback: Callback) {
        self.callbacks.lock().insert((branch, op), callback);
    }

    /// The action of a branch: replayed when it has a record, run and recorded when it has none. An error of
    /// `action` is not recorded, so the next execution runs it again.
    pub(crate) async fn step<F, Fut>(&self, branch: BranchNumber, action: F) -> Result<StepEnd, BranchError>
    where
        F: FnOnce(BranchBarrier) -> Fut,
        Fut: Future<Output = Result<StepEnd, BranchError>>,
    {
        match self.replay(|replay| replay.begin(branch)) {
            Ok(Answer::Replay(end)) => Ok(end),
            Ok(Answer::Run) => self.run(branch, action).await,
            Err(error) => Err(error.into_branch_error()),
        }
    }

    /// Runs the action of a branch and records its end.
    pub(crate) async fn run<F, Fut>(&self, branch: BranchNumber, action: F) -> Result<StepEnd, BranchError>
    where
        F: FnOnce(BranchBarrier) -> Fut,
        Fut: Future<Output = Result<StepEnd, BranchError>>,
    {
        let barrier = self.barrier(branch, BranchOp::Action)?;
        let mut open = Open { execution: self, branch, cause: Some("it was dropped half-way".to_owned()) };
        let end = match action(barrier).await.map_err(meant) {
            Ok(end) => end,
            Err(BranchError::RollBack(reason)) => StepEnd::Refused(reason.into_bytes()),
            Err(error) => {
                open.cause = Some(error.to_string());
                return Err(error);
            }
        };
        if let Err(error) = self.record(branch, Op::Action, &end).await {
            open.cause = Some(error.to_string());
            return Err(error.into());
        }
        open.cause = None;
        self.replay(|replay| replay.ended(branch, &end));
        Ok(end)
    }

    /// Calls what is due, one after the other, and records each.
    pub(crate) async fn phase_two(&self, ending: Ending) -> Result<(), BranchError> {
        let due = self.replay(|replay| replay.end(ending))?;
        let (op, branch_op) = match ending {
            Ending::Commit => (Op::Commit, BranchOp::Commit),
            Ending::RollBack => (Op::Rollback, BranchOp::Rollback),
        };
        for branch in due {
            // Its own statement: the lock must not live on.
            let callback = self.callbacks.lock().remove(&(branch, op));
            if let Some(callback) = callback {
                callback(self.barrier(branch, branch_op)?).await.map_err(meant).map_err(
                    |error| match error {
                        BranchError::RollBack(reason) => Refusing { op: op.as_str(), branch, reason }.into(),
                        other => other,
                    },
                )?;
            }
            let end = StepEnd::Succeeded(Vec::new());
            self.record(branch, op, &end).await?;
        }
        Ok(())
    }

    /// Records the end of a step; an error as [`Server::record`].
    pub(crate) async fn record(&self, branch: BranchNumber, op: Op, end: &StepEnd) -> Result<(), Error> {
        self.server.record(&self.gid, &Step { branch, op, end }).await
    }

    fn barrier(&self, branch: BranchNumber, op: BranchOp) -> Result<BranchBarrier, NotABranchCall> {
        BranchBarrier::new(Mode::Workflow, self.gid.clone(), branch.to_string(), op)
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution").field("gid", &self.gid).finish_non_exhaustive()
    }
}

/// A step that has begun. When it goes without a record, its end is open: it may have taken effect.
struct Open<'a> {
    execution: &'a Execution,
    branch: BranchNumber,
    cause: Option<String>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(cause) = self.cause.take() {
            self.execution.replay(|replay| replay.left_open(self.branch, cause));
        }
    }
}
