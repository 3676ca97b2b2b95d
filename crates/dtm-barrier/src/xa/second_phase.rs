//! The second phase.

use std::time::Duration;

use sqlx::Pool;

use super::XaDatabase;
use super::xid::Xid;
use crate::entered::Inserted;
use crate::row::Row;
use crate::sql::{database, find, insert_alone};
use crate::{BarrierError, BranchBarrier, BranchError, BranchOp, BranchResult, Done};

/// The number of the use that the first phase was.
const BARRIER_ID: &str = "01";

/// How often it is tried to finish a transaction that the connection of its first phase still has, and after what pause; each
/// is twice the one before.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

impl BranchBarrier {
    /// The second phase of XA: commits or rolls back what the first phase of this branch has prepared, as the op of this call
    /// says. It may come again, and a rollback may come before, or without, the first phase, which is then kept out.
    ///
    /// # Errors
    /// [`BranchError::Ongoing`] when the first phase has not ended; otherwise [`BranchError::Retry`]: also when nothing is
    /// prepared that is to be committed, and nothing says that it has been.
    pub async fn xa_finish<DB: XaDatabase>(&self, pool: &Pool<DB>) -> BranchResult {
        let context = self.context();
        let xid = Xid::new(context, DB::XID_MAX)?;
        let commits = match context.op {
            BranchOp::Commit => true,
            BranchOp::Rollback => false,
            other => return Err(BarrierError::NotASecondPhase(other).into()),
        };
        let mut connection = pool.acquire().await.map_err(|error| database("give a connection", error))?;
        let was_there = finish::<DB>(&mut connection, &xid, commits).await?;
        let usual = DB::usual_table();
        let table = self.table().unwrap_or(&usual);
        let row = Row::new(context, BranchOp::Action, BARRIER_ID)?;
        if commits {
            // its row was committed with the business
            let by = if was_there { None } else { Some(find::<DB>(&mut connection, table, row).await?) };
            return match by.as_ref().map(Option::as_deref) {
                None | Some(Some("action")) => Ok(Done),
                Some(_) => Err(BarrierError::NotPrepared { xid: xid.to_string() }.into()),
            };
        }
        // nobody needs two at once
        drop(connection);
        // The first phase may be about to prepare: whoever waited for its row would wait for himself.
        match insert_alone::<DB>(pool, table, row, "write").await {
            Ok(Inserted::New(_)) => Ok(Done),
            Ok(Inserted::There(by)) if by == BranchOp::Rollback.as_str() => Ok(Done),
            Ok(Inserted::There(_)) => Err(BarrierError::Committed { xid: xid.to_string() }.into()),
            Err(failed) if failed.is_lock_wait => Err(BranchError::Ongoing),
            Err(failed) => Err(failed.error.into()),
        }
    }
}

/// Finishes what is prepared; whether there was any.
async fn finish<DB: XaDatabase>(
    connection: &mut DB::Connection,
    xid: &Xid,
    commits: bool,
) -> Result<bool, BranchError> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..TRIES {
        let finished = match commits {
            true => DB::commit(connection, xid).await,
            false => DB::roll_back(connection, xid).await,
        };
        if finished.map_err(|error| database("finish the transaction", error))? {
            return Ok(true);
        }
        // Who may not see what is prepared goes by the row of the first phase.
        let names = DB::prepared(connection).await.unwrap_or_else(|_| Vec::new());
        if !names.iter().any(|name| name == xid.as_str()) {
            return Ok(false);
        }
        // MariaDB has it, and the connection of its first phase has just ended: nobody tells when that is noticed
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(BranchError::Ongoing)
}
