//! Running a closure behind the barrier.

use mongodb::{Client, ClientSession};

use super::enter::Rows;
use super::session::{begin, commit};
use crate::entered::Entered;
use crate::row::Row;
use crate::{BarrierError, BranchBarrier, BranchContext, BranchError, Called};

impl BranchBarrier {
    /// Runs a closure in a transaction of MongoDB, if this call is the first of its kind, and commits what it did together with
    /// the row that says so. A repeated call, a compensation of nothing and an action that was undone before it came do not run
    /// it, and are success too.
    ///
    /// Nothing is kept when the closure returns an error or panics, or when the future is dropped: the transaction is aborted,
    /// and the same call can come again.
    ///
    /// **Give the session to every operation** of the closure (`.session(&mut *session)`): what is done without it is not part
    /// of the transaction. Leave commit and abort to the barrier, and pass on every error: after one, the database has aborted
    /// the transaction by itself.
    ///
    /// ```no_run
    /// use dtm_barrier::{BranchBarrier, BranchError, BranchResult, Done};
    /// use mongodb::bson::{Document, doc};
    ///
    /// async fn take(client: &mongodb::Client, mut barrier: BranchBarrier, cents: i64) -> BranchResult {
    ///     barrier
    ///         .mongo_call(client, async |session| {
    ///             let accounts = session.client().database("bank").collection::<Document>("account");
    ///             let has_enough = doc! { "name": "ann", "cents": { "$gte": cents } };
    ///             let take = doc! { "$inc": { "cents": -cents } };
    ///             let taken = accounts.update_one(has_enough, take).session(session).await?;
    ///             if taken.modified_count == 0 {
    ///                 return Err(BranchError::roll_back("ann has too little"));
    ///             }
    ///             Ok(())
    ///         })
    ///         .await?;
    ///     Ok(Done)
    /// }
    /// ```
    ///
    /// # Errors
    /// What the closure returned; [`BranchError::RollBack`] for the local transaction of a message of which a back-check has
    /// found that it will not be; [`BranchError::Ongoing`] while the same call is at it elsewhere; otherwise
    /// [`BranchError::Retry`] with a [`BarrierError`] or an error of the driver. When the commit was not answered, nobody knows
    /// whether anything was kept: the next call finds out.
    pub async fn mongo_call<T, F>(&mut self, client: &Client, business: F) -> Result<Called<T>, BranchError>
    where
        F: AsyncFnOnce(&mut ClientSession) -> Result<T, BranchError>,
    {
        let barrier_id = self.begin_use()?;
        let rows = Rows::of(self, client);
        let mut session = begin(client).await?;
        match inside(&mut session, &rows, self.context(), &barrier_id, business).await {
            Ok(called) => {
                commit(&mut session).await?;
                self.end_use();
                Ok(called)
            }
            Err(error) => {
                // a database that does not hear of it aborts by itself
                session.abort_transaction().await.ok();
                Err(error)
            }
        }
    }
}

async fn inside<T, F>(
    session: &mut ClientSession,
    rows: &Rows,
    context: &BranchContext,
    barrier_id: &str,
    business: F,
) -> Result<Called<T>, BranchError>
where
    F: AsyncFnOnce(&mut ClientSession) -> Result<T, BranchError>,
{
    match rows.enter(session, context, barrier_id).await? {
        Entered::First(()) => {}
        Entered::NothingToDo(skip) => return Ok(Called::NothingToDo(skip)),
    }
    let value = business(session).await?;
    // an error that the closure kept to itself has ended the transaction, and so has an abort of its own
    match rows.find(session, Row::new(context, context.op, barrier_id)?).await? {
        Some(_) => Ok(Called::Ran(value)),
        None => Err(BarrierError::Ended.into()),
    }
}
