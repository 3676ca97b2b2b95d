//! The back-check of a message.

use mongodb::Client;

use super::enter::Rows;
use super::session::{begin, commit};
use crate::branch::MESSAGE_USE;
use crate::entered::back_checked;
use crate::row::Row;
use crate::{BranchBarrier, BranchOp, BranchResult};

impl BranchBarrier {
    /// Whether the local transaction of a message committed: the answer to its back-check. When there is none yet, none can
    /// commit any more.
    ///
    /// ```no_run
    /// use dtm_barrier::{BranchBarrier, BranchResult};
    ///
    /// async fn query_prepared(client: &mongodb::Client, barrier: BranchBarrier) -> BranchResult {
    ///     barrier.mongo_query_prepared(client).await
    /// }
    /// ```
    ///
    /// # Errors
    /// [`BranchError::RollBack`](crate::BranchError::RollBack) when it has not committed, and never will;
    /// [`BranchError::Ongoing`](crate::BranchError::Ongoing) when it has not ended;
    /// [`BranchError::Retry`](crate::BranchError::Retry) when the database could not be asked, or this is no back-check.
    pub async fn mongo_query_prepared(&self, client: &Client) -> BranchResult {
        let context = self.context();
        let local = context.of_message()?;
        let row =
            Row { reason: BranchOp::Rollback.as_str(), ..Row::new(&local, BranchOp::Message, MESSAGE_USE)? };
        let rows = Rows::of(self, client);
        // dropped on the way, it is aborted
        let mut session = begin(client).await?;
        let inserted = rows.insert(&mut session, row).await?;
        // without its row, the local transaction could still commit; and a row that was read counts when the majority has it
        commit(&mut session).await?;
        back_checked(context, inserted)
    }
}
