//! The barrier: what a service needs, so that a call that comes twice, late, or without the call before it
//! does no harm.
//!
//! A transaction manager that got no answer has to ask again, so every branch is called *at least* once, and
//! networks reorder. Three things can happen to a service:
//!
//! | trouble | example | right answer |
//! |---|---|---|
//! | the same call twice | the answer to "take 30.00" got lost | take it once, say "done" twice |
//! | compensation without action | "take 30.00" never arrived, then "give it back" | give back nothing, say "done" |
//! | action after its compensation | "take 30.00" was stuck in the network meanwhile | take nothing |
//!
//! One table settles all three, if it is written in the *same database transaction* as the money: each call
//! inserts a row, and the primary key tells whether it is the first. A compensation also inserts the row of
//! its action. When that succeeds, the action has never been here, and will be turned away if it still comes.

use dtm_client::branch::{BranchContext, BranchOp};
use sqlx::SqliteConnection;

/// The table, beside the tables of the service.
pub(crate) const TABLE: &str = "CREATE TABLE barrier (
    gid TEXT NOT NULL, branch_id TEXT NOT NULL, op TEXT NOT NULL, inserted_by TEXT NOT NULL,
    PRIMARY KEY (gid, branch_id, op))";

/// What to do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It is the first: do it, and commit together with the barrier.
    First,
    /// It has been done, or there is nothing to undo, or it has been undone: do nothing, and say "done".
    NothingToDo,
}

/// Enters a call in the table. Call it first in the transaction that then moves the money.
pub(crate) async fn enter(
    transaction: &mut SqliteConnection,
    call: &BranchContext,
) -> Result<Entry, sqlx::Error> {
    let action_was_missing =
        call.op == BranchOp::Compensate && insert(transaction, call, BranchOp::Action).await?;
    let first = insert(transaction, call, call.op).await?;
    Ok(if first && !action_was_missing { Entry::First } else { Entry::NothingToDo })
}

/// Whether the row is new.
async fn insert(
    transaction: &mut SqliteConnection,
    call: &BranchContext,
    op: BranchOp,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO barrier (gid, branch_id, op, inserted_by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(&call.gid)
    .bind(&call.branch_id)
    .bind(op.as_str())
    .bind(call.op.as_str())
    .execute(transaction)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use dtm_client::Mode;
    use sqlx::{Connection, Error};

    use super::*;

    /// What happens to calls for one branch that come in this order.
    async fn entries(ops: &[BranchOp]) -> Result<Vec<Entry>, Error> {
        let mut database = SqliteConnection::connect("sqlite::memory:").await?;
        sqlx::query(TABLE).execute(&mut database).await?;
        let mut entries = Vec::new();
        for op in ops {
            let call = BranchContext::new("transfer-1", "01", *op, Mode::Saga);
            entries.push(enter(&mut database, &call).await?);
        }
        Ok(entries)
    }

    #[tokio::test]
    async fn an_action_and_its_compensation_each_work_once_however_often_they_come() {
        use BranchOp::{Action, Compensate};
        let entries = entries(&[Action, Action, Compensate, Compensate, Action]).await.unwrap();
        assert_eq!(
            entries,
            [Entry::First, Entry::NothingToDo, Entry::First, Entry::NothingToDo, Entry::NothingToDo]
        );
    }

    #[tokio::test]
    async fn a_compensation_without_its_action_undoes_nothing_and_keeps_the_action_out() {
        use BranchOp::{Action, Compensate};
        let entries = entries(&[Compensate, Compensate, Action]).await.unwrap();
        assert_eq!(entries, [Entry::NothingToDo; 3]);
    }
}
