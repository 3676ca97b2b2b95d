//! One branch of a workflow.

use std::future::Future;
use std::sync::Arc;

use dtm_barrier::{BranchBarrier, BranchError};
use dtm_core::model::Op;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{self, BranchChannel, Reply};
use crate::codec;
use crate::execution::{Callback, Execution};
use crate::model::{BranchNumber, StepEnd, reason};

/// A branch: an action that is recorded once and replayed afterwards, and the callbacks of phase two.
///
/// ```
/// use dtm_workflow::{BranchError, Workflow};
///
/// async fn transfer(wf: Workflow, cents: u64) -> Result<u64, BranchError> {
///     let number = wf
///         .branch()
///         .named("deduct")
///         .on_rollback(async move |barrier| {
///             println!("give {cents} back, {}", barrier.context().gid);
///             Ok(())
///         })
///         .run(async |_barrier| Ok(17))
///         .await?;
///     Ok(number)
/// }
/// # let _ = transfer;
/// ```
#[derive(Debug)]
#[must_use = "a branch does nothing until it is run"]
pub struct Branch {
    execution: Arc<Execution>,
    number: BranchNumber,
}

impl Branch {
    pub(crate) const fn new(execution: Arc<Execution>, number: BranchNumber) -> Self {
        Self { execution, number }
    }

    /// `01`, `02`, ... in the order in which the function asks for branches.
    #[must_use]
    pub fn id(&self) -> String {
        self.number.to_string()
    }

    /// A name for messages. It is not recorded: records have the shape of DTM's other SDKs.
    pub fn named(self, name: impl Into<String>) -> Self {
        self.execution.replay(|replay| replay.call_it(self.number, name.into()));
        self
    }

    /// What undoes the action. It is called when the workflow is rolled back, the last branch first, also when
    /// it is unknown whether the action took effect; not when the action itself said no. It is called again
    /// until it succeeds, so it must not say no. A second callback takes the place of the first.
    pub fn on_rollback<F, Fut, T>(self, callback: F) -> Self
    where
        F: FnOnce(BranchBarrier) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, BranchError>> + Send + 'static,
    {
        self.rolled_back_by(false, callback)
    }

    /// As [`Branch::on_rollback`], and called even when the action itself said no.
    pub fn on_rollback_always<F, Fut, T>(self, callback: F) -> Self
    where
        F: FnOnce(BranchBarrier) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, BranchError>> + Send + 'static,
    {
        self.rolled_back_by(true, callback)
    }

    /// What makes the action final. It is called when the function has ended well, the last branch first, and
    /// again until it succeeds, so it must not say no. A second callback takes the place of the first.
    pub fn on_commit<F, Fut, T>(self, callback: F) -> Self
    where
        F: FnOnce(BranchBarrier) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, BranchError>> + Send + 'static,
    {
        self.execution.on(self.number, Op::Commit, boxed(callback));
        self.execution.replay(|replay| replay.has_commit(self.number));
        self
    }

    /// Runs the action, or replays its result. The result is kept as JSON.
    ///
    /// The action may be run again when its process dies before its end is recorded, so it has to tolerate
    /// that: the barrier that it is handed makes an effect on a database happen once.
    ///
    /// # Errors
    /// [`BranchError::RollBack`] when the action said no, which is recorded and replayed as well. Anything else
    /// means "not yet": the function hands it on, and the workflow is run again later.
    pub async fn run<T, F, Fut>(self, action: F) -> Result<T, BranchError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(BranchBarrier) -> Fut,
        Fut: Future<Output = Result<T, BranchError>>,
    {
        let bytes =
            self.run_to_bytes(|barrier| async move { Ok(codec::encode(&action(barrier).await?)?) }).await?;
        codec::decode(&bytes).map_err(|error| {
            let wanted = std::any::type_name::<T>();
            let label = self.execution.replay(|replay| replay.label(self.number));
            // The text of the error has values in it.
            let at = error.column();
            let problem = format!("what is recorded of branch {label} is no {wanted}, from byte {at} on");
            self.execution.replay(|replay| replay.diverged(problem)).into()
        })
    }

    /// As [`Branch::run`], with bytes as they are: for what another SDK has recorded, and for what is no JSON.
    ///
    /// # Errors
    /// As [`Branch::run`].
    pub async fn run_bytes<F, Fut>(self, action: F) -> Result<Vec<u8>, BranchError>
    where
        F: FnOnce(BranchBarrier) -> Fut,
        Fut: Future<Output = Result<Vec<u8>, BranchError>>,
    {
        self.run_to_bytes(action).await
    }

    /// Sends a request, or replays its answer. The query gets `gid`, `trans_type`, `branch_id` and `op`, so
    /// that the service on the other side has its barrier.
    ///
    /// # Errors
    /// As [`Branch::run`]: 409 says no, 425 is still at it, 200 is the answer, and everything else, a time-out
    /// included, means "not yet".
    pub async fn send(self, request: reqwest::RequestBuilder) -> Result<Reply, BranchError> {
        let end = self.step(|barrier| async move { call::send(barrier.context(), request).await }).await?;
        self.succeeded(end).map(Reply::new)
    }

    /// A channel for one unary call of a generated client, whose answer is recorded and replayed. A "no"
    /// (`ABORTED`) keeps its meaning through `?`.
    ///
    /// ```text
    /// let mut stock = StockClient::new(wf.branch().over(channel.clone()));
    /// let reply = stock.deduct(request).await?;
    /// ```
    pub fn over<S>(self, channel: S) -> BranchChannel<S> {
        BranchChannel::recorded(channel, self)
    }

    pub(crate) async fn step<F, Fut>(&self, action: F) -> Result<StepEnd, BranchError>
    where
        F: FnOnce(BranchBarrier) -> Fut,
        Fut: Future<Output = Result<StepEnd, BranchError>>,
    {
        self.execution.step(self.number, action).await
    }

    /// The bytes of a success, or the "no" with its reason.
    pub(crate) fn succeeded(&self, end: StepEnd) -> Result<Vec<u8>, BranchError> {
        match end {
            StepEnd::Succeeded(bytes) => Ok(bytes),
            StepEnd::Refused(data) => Err(BranchError::RollBack(reason(self.number, &data))),
        }
    }

    async fn run_to_bytes<F, Fut>(&self, action: F) -> Result<Vec<u8>, BranchError>
    where
        F: FnOnce(BranchBarrier) -> Fut,
        Fut: Future<Output = Result<Vec<u8>, BranchError>>,
    {
        let end = self.step(|barrier| async move { action(barrier).await.map(StepEnd::Succeeded) }).await?;
        self.succeeded(end)
    }

    fn rolled_back_by<F, Fut, T>(self, always: bool, callback: F) -> Self
    where
        F: FnOnce(BranchBarrier) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, BranchError>> + Send + 'static,
    {
        self.execution.on(self.number, Op::Rollback, boxed(callback));
        self.execution.replay(|replay| replay.has_rollback(self.number, always));
        self
    }
}

fn boxed<F, Fut, T>(callback: F) -> Callback
where
    F: FnOnce(BranchBarrier) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, BranchError>> + Send + 'static,
{
    Box::new(|barrier| Box::pin(async { callback(barrier).await.map(drop) }))
}
