//! The back-check of a message.

use sqlx::Pool;

use super::SqlDatabase;
use super::enter::{Failed, insert_alone};
use crate::branch::MESSAGE_USE;
use crate::entered::back_checked;
use crate::row::Row;
use crate::{BranchBarrier, BranchError, BranchOp, BranchResult};

impl BranchBarrier {
    /// Whether the local transaction of a message committed: the answer to its back-check. When there is none yet, none can
    /// commit any more. While one has not ended, this waits for it, and says "ask again later" when that takes too long: 2
    /// seconds in PostgreSQL, `innodb_lock_wait_timeout` in MySQL and MariaDB, `busy_timeout` in SQLite.
    ///
    /// ```no_run
    /// use dtm_barrier::{BranchBarrier, BranchResult};
    ///
    /// async fn query_prepared(pool: &sqlx::PgPool, barrier: BranchBarrier) -> BranchResult {
    ///     barrier.query_prepared(pool).await
    /// }
    /// ```
    ///
    /// # Errors
    /// [`BranchError::RollBack`] when it has not committed, and never will; [`BranchError::Ongoing`] when it has not ended;
    /// [`BranchError::Retry`] when the database could not be asked, or this is no back-check.
    pub async fn query_prepared<DB: SqlDatabase>(&self, pool: &Pool<DB>) -> BranchResult {
        let context = self.context();
        let local = context.of_message()?;
        let row =
            Row { reason: BranchOp::Rollback.as_str(), ..Row::new(&local, BranchOp::Message, MESSAGE_USE)? };
        let usual = DB::usual_table();
        let table = self.table().unwrap_or(&usual);
        match insert_alone::<DB>(pool, table, row, "ask").await {
            Ok(local) => back_checked(context, local),
            Err(Failed { is_lock_wait: true, .. }) => Err(BranchError::Ongoing),
            Err(Failed { error, .. }) => Err(error.into()),
        }
    }
}
