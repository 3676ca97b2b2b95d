//! Entering a call in the table.

use sqlx::{Connection, Pool};

use super::database::Dialect;
use super::{SqlDatabase, TableName};
use crate::entered::{Entered, Inserted, entered};
use crate::row::Row;
use crate::{BarrierError, BranchBarrier, BranchContext, BranchError, Entry, origin};

impl BranchBarrier {
    /// Enters this call in the barrier table, for whoever drives the database transaction himself. Call it first in a
    /// transaction, do the business in the same one if it says [`Entry::First`], and commit in any case.
    ///
    /// [`call`](Self::call) does all of this, and notices more mistakes.
    ///
    /// ```no_run
    /// use dtm_barrier::{BranchBarrier, BranchResult, Done, Entry};
    ///
    /// async fn give(pool: &sqlx::PgPool, mut barrier: BranchBarrier) -> BranchResult {
    ///     let mut transaction = pool.begin().await?;
    ///     if barrier.enter(&mut *transaction).await? == Entry::First {
    ///         sqlx::query("UPDATE account SET cents = cents + 1").execute(&mut *transaction).await?;
    ///     }
    ///     transaction.commit().await?;
    ///     Ok(Done)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`BranchError::RollBack`] for the local transaction of a message of which a back-check has found that it will not be;
    /// otherwise [`BranchError::Retry`] with a [`BarrierError`]. Roll the transaction back.
    pub async fn enter<C>(&mut self, connection: &mut C) -> Result<Entry, BranchError>
    where
        C: Connection,
        C::Database: SqlDatabase,
    {
        let barrier_id = self.begin_use()?;
        if !connection.is_in_transaction() {
            return Err(BarrierError::NotInTransaction.into());
        }
        let entered = enter::<C::Database>(connection, self.table(), self.context(), &barrier_id).await?;
        self.end_use();
        Ok(match entered {
            Entered::First(_) => Entry::First,
            Entered::NothingToDo(skip) => Entry::NothingToDo(skip),
        })
    }
}

/// First the row of what this call undoes, then its own: whoever undoes keeps out what has not been here yet.
pub(super) async fn enter<DB: Dialect>(
    connection: &mut DB::Connection,
    table: Option<&TableName>,
    context: &BranchContext,
    barrier_id: &str,
) -> Result<Entered<DB::Mark>, BranchError> {
    let usual = DB::usual_table();
    let table = table.unwrap_or(&usual);
    let origin_is_new = match origin(context.op) {
        None => false,
        Some(origin) => {
            let row = Row::new(context, origin, barrier_id)?;
            let inserted = insert::<DB>(connection, table, row).await.map_err(|failed| failed.error)?;
            matches!(inserted, Inserted::New(_))
        }
    };
    let row = Row::new(context, context.op, barrier_id)?;
    let own = insert::<DB>(connection, table, row).await.map_err(|failed| failed.error)?;
    entered(context, origin_is_new, own)
}

/// Inserts a row. One that is there already is looked at: it may be another one's.
pub(crate) async fn insert<DB: Dialect>(
    connection: &mut DB::Connection,
    table: &TableName,
    row: Row<'_>,
) -> Result<Inserted<DB::Mark>, Failed> {
    let written = DB::insert(connection, table, row).await;
    if let Some(mark) = written.map_err(|error| Failed::new::<DB>("write", table, error))? {
        return Ok(Inserted::New(mark));
    }
    let found = DB::find(connection, table, row).await;
    let found = found.map_err(|error| Failed::new::<DB>("read", table, error))?;
    Ok(Inserted::There(row.reason_of(&table.to_string(), found)?))
}

/// Inserts a row in a transaction of its own, and waits for whoever inserts the same one for a short time only.
pub(crate) async fn insert_alone<DB: Dialect>(
    pool: &Pool<DB>,
    table: &TableName,
    row: Row<'_>,
    verb: &str,
) -> Result<Inserted<DB::Mark>, Failed> {
    let failed = |error| Failed::new::<DB>(verb, table, error);
    let mut transaction = pool.begin_with(DB::BEGIN_BACK_CHECK).await.map_err(failed)?;
    let inserted = insert::<DB>(&mut transaction, table, row).await?;
    // without its row, what it keeps out could still commit
    transaction.commit().await.map_err(failed)?;
    Ok(inserted)
}

/// The reason of a row that may be there.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) async fn find<DB: Dialect>(
    connection: &mut DB::Connection,
    table: &TableName,
    row: Row<'_>,
) -> Result<Option<String>, BarrierError> {
    let found = DB::find(connection, table, row).await;
    let found = found.map_err(|error| Failed::new::<DB>("read", table, error).error)?;
    if found.is_none() {
        return Ok(None);
    }
    row.reason_of(&table.to_string(), found).map(Some)
}

/// Why a row could not be written or read.
pub(crate) struct Failed {
    pub(crate) error: BarrierError,
    /// Somebody else holds a lock for too long.
    pub(crate) is_lock_wait: bool,
}

impl Failed {
    fn new<DB: Dialect>(verb: &str, table: &TableName, error: sqlx::Error) -> Self {
        let is_lock_wait = DB::is_lock_wait(&error);
        let what = format!(
            "{verb} the barrier table {table} (if it is missing: sql::create_table, or the files in src/schema)"
        );
        Self { error: BarrierError::Database { what, source: Box::new(error) }, is_lock_wait }
    }
}

impl From<BarrierError> for Failed {
    fn from(error: BarrierError) -> Self {
        Self { error, is_lock_wait: false }
    }
}
