//! Running a closure behind the barrier.

use sqlx::{Pool, Transaction};

use super::enter::enter;
use super::{SqlDatabase, TableName};
use crate::entered::Entered;
use crate::{BarrierError, BranchBarrier, BranchContext, BranchError, Called};

impl BranchBarrier {
    /// Runs a closure in a database transaction of its own, if this call is the first of its kind, and commits what it did
    /// together with the row that says so. A repeated call, a compensation of nothing and an action that was undone before it
    /// came do not run it, and are success too.
    ///
    /// Nothing is kept when the closure returns an error or panics, or when the future is dropped: the transaction is rolled
    /// back, and the same call can come again.
    ///
    /// The closure has one connection to work with, and leaves commit and rollback to the barrier. It must pass on every error
    /// of the database: after one, the database may have rolled back by itself. What ends the transaction (a `COMMIT`; in
    /// MySQL and MariaDB also each statement that commits, such as `CREATE TABLE`) is noticed afterwards and refused, but
    /// what had been committed by then stays.
    ///
    /// ```no_run
    /// use dtm_barrier::{BranchBarrier, BranchError, BranchResult, Done};
    ///
    /// async fn refund(pool: &sqlx::PgPool, mut barrier: BranchBarrier, cents: i64) -> BranchResult {
    ///     barrier
    ///         .call(pool, async |connection| {
    ///             sqlx::query("UPDATE account SET cents = cents + $1").bind(cents).execute(connection).await?;
    ///             Ok(())
    ///         })
    ///         .await?;
    ///     Ok(Done)
    /// }
    /// ```
    ///
    /// # Errors
    /// What the closure returned; [`BranchError::RollBack`] for the local transaction of a message of which a back-check has
    /// found that it will not be; otherwise [`BranchError::Retry`] with a [`BarrierError`] or an error of sqlx. When the
    /// commit was not answered, nobody knows whether anything was kept: the next call finds out.
    pub async fn call<DB, T, F>(&mut self, pool: &Pool<DB>, business: F) -> Result<Called<T>, BranchError>
    where
        DB: SqlDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<T, BranchError>,
    {
        let barrier_id = self.begin_use()?;
        let begun = pool.begin_with(DB::BEGIN).await;
        let transaction = begun.map_err(|error| database("begin a transaction", error))?;
        let called = run(transaction, self.table(), self.context(), &barrier_id, business).await?;
        self.end_use();
        Ok(called)
    }

    /// [`call`](Self::call) in a transaction that you have begun yourself, with an isolation level of your own perhaps, or after
    /// statements that are no business. The barrier ends it: it commits, or rolls back on an error.
    ///
    /// It has to come from the pool: what is committed inside another transaction is not kept for good, so one of those does
    /// not compile.
    ///
    /// ```compile_fail
    /// # async fn example(mut outer: sqlx::PgTransaction<'static>, mut barrier: dtm_barrier::BranchBarrier) {
    /// use sqlx::Acquire as _;
    /// let inner = outer.begin().await.unwrap();
    /// barrier.call_in(inner, async |_| Ok(())).await.unwrap();
    /// # }
    /// ```
    ///
    /// ```no_run
    /// # async fn example(pool: sqlx::PgPool, mut barrier: dtm_barrier::BranchBarrier) -> dtm_barrier::BranchResult {
    /// let transaction = pool.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE").await?;
    /// barrier.call_in(transaction, async |_| Ok(())).await?;
    /// # Ok(dtm_barrier::Done)
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_in<DB, T, F>(
        &mut self,
        mut transaction: Transaction<'static, DB>,
        business: F,
    ) -> Result<Called<T>, BranchError>
    where
        DB: SqlDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<T, BranchError>,
    {
        let barrier_id = self.begin_use()?;
        DB::mark(&mut transaction).await.map_err(|error| database("mark the transaction", error))?;
        let called = run(transaction, self.table(), self.context(), &barrier_id, business).await?;
        self.end_use();
        Ok(called)
    }
}

/// Dropped on the way, a transaction is rolled back.
async fn run<DB, T, F>(
    mut transaction: Transaction<'static, DB>,
    table: Option<&TableName>,
    context: &BranchContext,
    barrier_id: &str,
    business: F,
) -> Result<Called<T>, BranchError>
where
    DB: SqlDatabase,
    F: AsyncFnOnce(&mut DB::Connection) -> Result<T, BranchError>,
{
    match inside::<DB, T, F>(&mut transaction, table, context, barrier_id, business).await {
        Ok(called) => {
            transaction.commit().await.map_err(|error| database("answer the commit", error))?;
            Ok(called)
        }
        Err(error) => {
            DB::before_rollback(&mut transaction).await;
            // a database that lost its client rolls back by itself
            transaction.rollback().await.ok();
            Err(error)
        }
    }
}

async fn inside<DB, T, F>(
    connection: &mut DB::Connection,
    table: Option<&TableName>,
    context: &BranchContext,
    barrier_id: &str,
    business: F,
) -> Result<Called<T>, BranchError>
where
    DB: SqlDatabase,
    F: AsyncFnOnce(&mut DB::Connection) -> Result<T, BranchError>,
{
    let mark = match enter::<DB>(connection, table, context, barrier_id).await? {
        Entered::First(mark) => mark,
        Entered::NothingToDo(skip) => return Ok(Called::NothingToDo(skip)),
    };
    let value = business(connection).await?;
    // a COMMIT that cannot keep anything is answered like one that can
    let is_still = DB::is_still(connection, mark)
        .await
        .map_err(|error| database("say what became of the transaction", error))?;
    if !is_still {
        return Err(BarrierError::Ended.into());
    }
    Ok(Called::Ran(value))
}

pub(crate) fn database(what: &str, error: sqlx::Error) -> BarrierError {
    BarrierError::Database { what: what.to_owned(), source: Box::new(error) }
}
