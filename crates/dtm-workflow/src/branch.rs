//! One branch of a workflow.

use std::future::Future;
use std::sync::Arc;

#[cfg(feature = "_xa")]
use dtm_barrier::xa::XaDatabase;
use dtm_barrier::{BranchBarrier, BranchError};
use dtm_core::model::Op;
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(feature = "_xa")]
use sqlx::Pool;

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

/// A callback that a step of XA would put aside.
#[cfg(feature = "_xa")]
#[derive(Debug, thiserror::Error)]
#[error(
    "branch {0} is a step of XA, which is committed and rolled back by its database: give on_commit and on_rollback a branch of \
     their own"
)]
struct OwnCallback(String);

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
        self.read(&bytes)
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

    /// Runs a closure in a transaction of the database, which stays prepared until the workflow has ended: then it is
    /// committed, or rolled back, so that there is nothing to undo by hand. The result is kept as JSON.
    ///
    /// The rows that were written stay locked until then: keep the workflow short. The transaction has a connection of its
    /// own, taken out of the pool. See [`BranchBarrier::xa_prepare`] for what the database needs.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")] mod example {
    /// use dtm_workflow::{BranchError, Workflow};
    /// use sqlx::{PgConnection, PgPool};
    ///
    /// async fn take(wf: Workflow, pool: PgPool, cents: i64) -> Result<i64, BranchError> {
    ///     let take = async move |connection: &mut PgConnection| {
    ///         let left = "UPDATE account SET cents = cents - $1 WHERE name = 'A' RETURNING cents";
    ///         let left: i64 = sqlx::query_scalar(left).bind(cents).fetch_one(connection).await?;
    ///         if left < 0 { Err(BranchError::roll_back("no money")) } else { Ok(left) }
    ///     };
    ///     wf.branch().named("take").xa(&pool, take).await
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Branch::run`]. When the process dies, or the database vanishes, nothing is done twice, and nothing is undone
    /// because of it, wherever that happens. Only a step that was interrupted just before it was prepared, and whose
    /// second run has another result, says no; and so does one that a process with Go's SDK was interrupted in.
    /// A branch with an `on_commit` or `on_rollback` takes no step of XA: give these a branch of their own.
    #[cfg(feature = "_xa")]
    pub async fn xa<DB, T, F>(self, pool: &Pool<DB>, closure: F) -> Result<T, BranchError>
    where
        DB: XaDatabase,
        T: Serialize + DeserializeOwned,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<T, BranchError>,
    {
        let bytes = async |connection: &mut DB::Connection| Ok(codec::encode(&closure(connection).await?)?);
        let end = self.xa_step(pool, bytes).await?;
        self.read(&self.succeeded(end)?)
    }

    /// As [`Branch::xa`], with bytes as they are: for what another SDK has recorded, and for what is no JSON.
    ///
    /// # Errors
    /// As [`Branch::xa`].
    #[cfg(feature = "_xa")]
    pub async fn xa_bytes<DB, F>(self, pool: &Pool<DB>, closure: F) -> Result<Vec<u8>, BranchError>
    where
        DB: XaDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<Vec<u8>, BranchError>,
    {
        let end = self.xa_step(pool, closure).await?;
        self.succeeded(end)
    }

    #[cfg(feature = "_xa")]
    async fn xa_step<DB, F>(&self, pool: &Pool<DB>, closure: F) -> Result<StepEnd, BranchError>
    where
        DB: XaDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<Vec<u8>, BranchError>,
    {
        if self.execution.replay(|replay| replay.has_callback(self.number)) {
            let label = self.execution.replay(|replay| replay.label(self.number));
            return Err(OwnCallback(label).into());
        }
        for op in [Op::Commit, Op::Rollback] {
            let pool = pool.clone();
            let finish = async move |barrier: BranchBarrier| barrier.xa_finish(&pool).await;
            self.execution.on(self.number, op, boxed(finish));
        }
        // Also when it said no, as Go's SDK does: a first phase that comes late is kept out.
        self.execution.replay(|replay| {
            replay.has_commit(self.number);
            replay.has_rollback(self.number, true);
        });
        self.execution.xa_step(self.number, pool, closure).await
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

    /// The typed result.
    fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, BranchError> {
        codec::decode(bytes).map_err(|error| {
            let wanted = std::any::type_name::<T>();
            let label = self.execution.replay(|replay| replay.label(self.number));
            // The text of the error has values in it.
            let at = error.column();
            let problem = format!("what is recorded of branch {label} is no {wanted}, from byte {at} on");
            self.execution.replay(|replay| replay.diverged(problem)).into()
        })
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
