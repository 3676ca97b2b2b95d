//! Branches that nobody finished.

use dtm_barrier::BranchBarrier;
use dtm_barrier::sql::TableName;
use dtm_barrier::xa::{Prepared, XaDatabase, prepared};
use dtm_core::model::Mode;
use sqlx::Pool;

use crate::branch::{BranchError, BranchOp};
use crate::{Client, Status};

/// What became of a transaction that was found prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct XaRecovery {
    /// The transaction.
    pub prepared: Prepared,
    /// What was done about it.
    pub done: Recovered,
}

/// What was done about a transaction that was found prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovered {
    /// Its global transaction has succeeded, so it was committed.
    Committed,
    /// Its global transaction has failed, so it was rolled back.
    RolledBack,
    /// Its global transaction has not ended: the server finishes it.
    LeftToTheServer,
    /// The server does not know its global transaction. It may belong to another server, or to somebody else's.
    Unknown,
}

impl Client {
    /// Finishes what is prepared in a database and whose global transaction has ended: what an operator finds after somebody
    /// stopped a transaction by force, or restored a database. In ordinary operation there is nothing, because the server
    /// asks each branch until it has answered. `table` is the barrier table if it is not the usual one.
    ///
    /// # Errors
    /// [`BranchError::Retry`] when the database or the server did not answer. What was finished before stays so.
    pub async fn xa_recover<DB: XaDatabase>(
        &self,
        pool: &Pool<DB>,
        table: Option<&TableName>,
    ) -> Result<Vec<XaRecovery>, BranchError> {
        let mut found = Vec::new();
        for prepared in prepared(pool).await? {
            let done = self.recover_one(pool, table, &prepared).await?;
            found.push(XaRecovery { prepared, done });
        }
        Ok(found)
    }

    async fn recover_one<DB: XaDatabase>(
        &self,
        pool: &Pool<DB>,
        table: Option<&TableName>,
        prepared: &Prepared,
    ) -> Result<Recovered, BranchError> {
        // the name of somebody else's may be no gid
        if crate::gid::check(&prepared.gid).is_err() {
            return Ok(Recovered::Unknown);
        }
        let Some(transaction) = self.query(&prepared.gid).await? else { return Ok(Recovered::Unknown) };
        if !matches!(transaction.mode, Mode::Xa | Mode::Workflow) {
            return Ok(Recovered::Unknown);
        }
        let (op, done) = match transaction.status {
            Status::Succeed => (BranchOp::Commit, Recovered::Committed),
            Status::Failed => (BranchOp::Rollback, Recovered::RolledBack),
            Status::Prepared | Status::Submitted | Status::Aborting => return Ok(Recovered::LeftToTheServer),
        };
        let barrier = BranchBarrier::new(transaction.mode, &prepared.gid, &prepared.branch_id, op)?;
        let barrier = match table {
            Some(table) => barrier.in_table(table.clone()),
            None => barrier,
        };
        barrier.xa_finish(pool).await?;
        Ok(done)
    }
}
