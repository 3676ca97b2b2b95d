//! The first phase.

use sqlx::{Connection as _, Pool};

use super::XaDatabase;
use super::xid::Xid;
use crate::entered::Inserted;
use crate::row::Row;
use crate::sql::{database, insert};
use crate::{BarrierError, BranchBarrier, BranchError, BranchOp, Called, OwnRow, Skip, Verdict, verdict};

impl BranchBarrier {
    /// The first phase of XA: runs a closure in a transaction of the database, has the branch registered, and prepares. What is
    /// prepared waits for [`xa_finish`](Self::xa_finish), over any connection and after any crash.
    ///
    /// `register` tells the transaction manager of the branch (`registerBranch`). It is called after the closure and before
    /// the transaction is prepared: a prepared transaction that nobody knows would stay, with its locks.
    ///
    /// The transaction has a connection of its own, taken out of the pool. When the closure or `register` fails, when one of them
    /// panics or the future is dropped, nothing is kept.
    ///
    /// # Errors
    /// What the closure or `register` returned; [`BranchError::RollBack`] when the branch was rolled back before it came;
    /// [`BranchError::Ongoing`] when the same call is being worked at, or is prepared; otherwise [`BranchError::Retry`]. After
    /// an error from preparing itself nobody knows whether it is prepared; the second phase finds out.
    pub async fn xa_prepare<DB, T, F, R>(
        &mut self,
        pool: &Pool<DB>,
        business: F,
        register: R,
    ) -> Result<Called<T>, BranchError>
    where
        DB: XaDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<T, BranchError>,
        R: Future<Output = Result<(), BranchError>>,
    {
        let barrier_id = self.begin_use()?;
        let xid = Xid::new(self.context(), DB::XID_MAX)?;
        let connection = pool.acquire().await.map_err(|error| database("give a connection", error))?;
        // Without its connection, what is not prepared is rolled back: also when this future is dropped.
        let mut connection = connection.detach();
        let started = DB::start(&mut connection, &xid).await;
        if !started.map_err(|error| database("begin the transaction", error))? {
            return Err(BranchError::Ongoing);
        }
        let done = first_phase::<DB, T, F, R>(&mut connection, self, &barrier_id, business, register).await;
        let called = match done {
            Ok(Called::Ran(value)) => {
                DB::prepare(&mut connection, &xid)
                    .await
                    .map_err(|error| database("prepare the transaction", error))?;
                Called::Ran(value)
            }
            other => {
                DB::abort(&mut connection, &xid).await.ok();
                other?
            }
        };
        // MariaDB lets nobody else finish it before this connection has ended
        connection.close().await.ok();
        self.end_use();
        Ok(called)
    }
}

async fn first_phase<DB, T, F, R>(
    connection: &mut DB::Connection,
    barrier: &BranchBarrier,
    barrier_id: &str,
    business: F,
    register: R,
) -> Result<Called<T>, BranchError>
where
    DB: XaDatabase,
    F: AsyncFnOnce(&mut DB::Connection) -> Result<T, BranchError>,
    R: Future<Output = Result<(), BranchError>>,
{
    let context = barrier.context();
    let usual = DB::usual_table();
    let table = barrier.table().unwrap_or(&usual);
    let action = BranchOp::Action;
    let row = Row { reason: action.as_str(), ..Row::new(context, action, barrier_id)? };
    let failed = |error| database("say how long it waits for a lock", error);
    let before = DB::wait_briefly(connection).await.map_err(failed)?;
    let mark = match insert::<DB>(connection, table, row).await {
        Ok(Inserted::New(mark)) => mark,
        Err(failed) if failed.is_lock_wait => return Err(BranchError::Ongoing),
        Err(failed) => return Err(failed.error.into()),
        Ok(Inserted::There(by)) => match verdict(action, false, OwnRow::There { by: &by }) {
            Verdict::NothingToDo(Skip::Repeated) => return Ok(Called::NothingToDo(Skip::Repeated)),
            _ => {
                return Err(BranchError::roll_back(format!(
                    "branch {} was rolled back before it came",
                    context.branch_id
                )));
            }
        },
    };
    DB::wait_again(connection, before).await.map_err(failed)?;
    let value = business(connection).await?;
    register.await?;
    if !DB::can_prepare(connection, mark)
        .await
        .map_err(|error| database("say what became of the transaction", error))?
    {
        return Err(BarrierError::Ended.into());
    }
    Ok(Called::Ran(value))
}
