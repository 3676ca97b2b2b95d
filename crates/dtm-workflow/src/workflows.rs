//! Workflows, executed by name.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use dtm_barrier::BranchError;
use dtm_client::{Client, Status};
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::builder::Limits;
use crate::execution::Execution;
use crate::handler::Handler;
use crate::meaning::meant;
use crate::model::{Ending, Progresses, Replay};
use crate::options::Options;
use crate::running::Running;
use crate::server::{End, Server, Standing, Start};
use crate::{Error, Workflow, WorkflowsBuilder, codec};

/// The workflows of a process: functions by name, executed under a gid. Cheap to clone.
///
/// ```no_run
/// use dtm_client::Client;
/// use dtm_workflow::{BranchError, Workflow, Workflows};
///
/// async fn transfer(wf: Workflow, cents: u64) -> Result<u64, BranchError> {
///     wf.branch().on_rollback(async |_| Ok(())).run(async move |_| Ok(cents)).await
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::http("http://localhost:36789/api/dtmsvr")?;
/// let workflows =
///     Workflows::builder(client, "http://bank:8081/workflow").register("transfer", transfer).build()?;
/// let transferred: u64 = workflows.execute("transfer", "order-1001", &3_000_u64).await?;
/// # let _ = transferred;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Workflows {
    shared: Arc<Shared>,
}

struct Shared {
    server: Arc<dyn Server>,
    callback: String,
    options: Options,
    handlers: BTreeMap<String, Handler>,
    running: Running,
    limits: Limits,
    callbacks: Arc<Semaphore>,
}

/// A function, or a callback of phase two, that panicked.
#[derive(Debug, thiserror::Error)]
#[error("the function panicked: {0}")]
struct Panicked(String);

/// A workflow in a status that none has.
#[derive(Debug, thiserror::Error)]
#[error("the server says that it is {0}, which no workflow ever is")]
struct StrangeStatus(Status);

impl Workflows {
    /// Workflows that are stored by the server behind `client`, and that it has go on at `callback`: the URL
    /// of the router over HTTP, or `host:port/workflow.Workflow/Execute` over gRPC. Every instance of a
    /// service gives the same one, because it is stored with the workflow and compared.
    pub fn builder(client: Client, callback: impl Into<String>) -> WorkflowsBuilder {
        WorkflowsBuilder::new(Arc::new(client), callback.into())
    }

    pub(crate) fn new(
        server: Arc<dyn Server>,
        callback: String,
        options: Options,
        handlers: BTreeMap<String, Handler>,
        limits: Limits,
    ) -> Self {
        let callbacks = Arc::new(Semaphore::new(limits.callbacks_max.min(Semaphore::MAX_PERMITS)));
        Self {
            shared: Arc::new(Shared {
                server,
                callback,
                options,
                handlers,
                running: Running::default(),
                limits,
                callbacks,
            }),
        }
    }

    /// Executes a workflow, or goes on with the one that has this gid. One that has ended is not run again:
    /// its stored result, or the reason of its rollback, is given.
    ///
    /// A dropped future stops the execution where it is; what is recorded stays, and the server has it go on.
    ///
    /// # Errors
    /// [`Error`], told apart by what to do next.
    pub async fn execute<I, O>(&self, name: &str, gid: &str, input: &I) -> Result<O, Error>
    where
        I: Serialize + ?Sized + Sync,
        O: DeserializeOwned,
    {
        let value = |what| move |source| Error::Value { what, gid: gid.to_owned(), source };
        let input = codec::encode(input).map_err(value("input"))?;
        let result = self.execute_bytes(name, gid, input).await?;
        codec::decode(&result).map_err(value("result"))
    }

    /// As [`execute`](Self::execute), with bytes as they are.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn execute_bytes(&self, name: &str, gid: &str, input: Vec<u8>) -> Result<Vec<u8>, Error> {
        let handler = self.shared.handlers.get(name).ok_or_else(|| self.not_registered(name))?;
        let executing = || Error::Executing { gid: gid.to_owned() };
        let _place = self.shared.running.enter(gid).ok_or_else(executing)?;
        let Shared { callback, options, .. } = &*self.shared;
        let start = Start { gid, name, input: &input, callback, options };
        let Standing { status, reason, result, rows } = self.shared.server.prepare(&start).await?;
        match status {
            Status::Prepared => {}
            Status::Succeed => return Ok(result),
            Status::Failed => return Err(Error::RolledBack { gid: gid.to_owned(), reason }),
            Status::Submitted | Status::Aborting => return Err(interrupted(gid, StrangeStatus(status))),
        }
        let diverged = |source| Error::Diverged { gid: gid.to_owned(), source };
        let replay = Replay::new(Progresses::read(rows).map_err(diverged)?);
        let execution = Arc::new(Execution::new(gid.to_owned(), Arc::clone(&self.shared.server), replay));
        // A panic leaves no state of ours half-changed: what it interrupts is not recorded.
        let ended = AssertUnwindSafe(self.run(handler, &execution, input)).catch_unwind().await;
        // Whatever the function made of it, a divergence is what has to be told.
        if let Some(divergence) = execution.replay(|replay| replay.divergence().cloned()) {
            return Err(diverged(divergence));
        }
        match ended {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(BranchError::RollBack(reason))) => Err(Error::RolledBack { gid: gid.to_owned(), reason }),
            Ok(Err(BranchError::Ongoing)) => Err(Error::Ongoing { gid: gid.to_owned() }),
            Ok(Err(BranchError::Retry(cause))) => Err(Error::Interrupted { gid: gid.to_owned(), cause }),
            Err(panic) => Err(interrupted(gid, Panicked(told(&*panic)))),
        }
    }

    /// Runs the function, then phase two, then says how it ended. A rollback is an error only when all of it
    /// is done and said.
    async fn run(
        &self,
        handler: &Handler,
        execution: &Arc<Execution>,
        input: Vec<u8>,
    ) -> Result<Vec<u8>, BranchError> {
        let ended = handler.call(Workflow::new(Arc::clone(execution)), input).await.map_err(meant);
        let server = &self.shared.server;
        match ended {
            Ok(result) => {
                execution.phase_two(Ending::Commit).await?;
                server.end(execution.gid(), End::Succeeded { result: &result }).await?;
                Ok(result)
            }
            Err(BranchError::RollBack(reason)) => {
                execution.phase_two(Ending::RollBack).await?;
                server.end(execution.gid(), End::Failed { reason: &reason }).await?;
                Err(BranchError::RollBack(reason))
            }
            Err(later) => Err(later),
        }
    }

    fn not_registered(&self, name: &str) -> Error {
        let names: Vec<&str> = self.shared.handlers.keys().map(String::as_str).collect();
        let registered = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Error::NotRegistered { name: name.to_owned(), registered }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.shared.limits
    }

    pub(crate) fn callbacks(&self) -> Arc<Semaphore> {
        Arc::clone(&self.shared.callbacks)
    }
}

fn interrupted(gid: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Interrupted { gid: gid.to_owned(), cause: Box::new(cause) }
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say why").to_owned()
}

impl fmt::Debug for Workflows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workflows").field("names", &self.shared.handlers.keys()).finish_non_exhaustive()
    }
}
