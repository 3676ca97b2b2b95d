//! Steps of XA: their transaction of the database stays prepared until the workflow has ended.
//!
//! | record | when | what it says |
//! |---|---|---|
//! | `business` | after the closure, before the transaction is prepared | who recorded it, and nobody else, goes on to prepare |
//! | `action` | after the transaction is prepared | the step has ended |
//! | `commit`, `rollback` | after the transaction is finished | |
//!
//! These are the records of Go's SDK. In the data of `business`, which that leaves empty and does not look at, is the result of
//! the closure: so a step that is interrupted between the two records goes on, and is not undone because of it.

use std::sync::OnceLock;

use dtm_barrier::xa::{XaDatabase, prepared};
use dtm_barrier::{BranchBarrier, BranchError, Called};
use dtm_core::model::Op;
use sqlx::Pool;

use crate::execution::Execution;
use crate::model::{BranchNumber, NotNow, StepEnd, XaAnswer};

/// What stands before a result in the data of `business`, so that "nothing" is not taken for Go's.
const RESULT: &[u8] = b"result:";

const NOT_TOLD: &str =
    "it was interrupted before it was recorded, by an SDK that does not tell what its result was";

const OTHER_RESULT: &str = "it was interrupted before it was prepared, and its second run has another result";

/// The transaction of this step has been committed, so the workflow has ended.
#[derive(Debug, thiserror::Error)]
#[error("branch {0} is committed already: another execution has ended this workflow")]
struct Committed(BranchNumber);

impl Execution {
    /// The first phase of a step of XA: replayed when it has a record, run and recorded when it has none, and found out about
    /// when its end is not known.
    pub(crate) async fn xa_step<DB, F>(
        &self,
        branch: BranchNumber,
        pool: &Pool<DB>,
        closure: F,
    ) -> Result<StepEnd, BranchError>
    where
        DB: XaDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<Vec<u8>, BranchError>,
    {
        let business =
            match self.replay(|replay| replay.begin_xa(branch)).map_err(NotNow::into_branch_error)? {
                XaAnswer::Replay(end) => return Ok(end),
                XaAnswer::Run => None,
                XaAnswer::FindOut(data) => Some(data),
            };
        let phase = async |barrier| self.first_phase(branch, barrier, pool, business, closure).await;
        self.run(branch, phase).await
    }

    async fn first_phase<DB, F>(
        &self,
        branch: BranchNumber,
        mut barrier: BranchBarrier,
        pool: &Pool<DB>,
        business: Option<Vec<u8>>,
        closure: F,
    ) -> Result<StepEnd, BranchError>
    where
        DB: XaDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<Vec<u8>, BranchError>,
    {
        let known = match &business {
            None => None,
            // As Go's SDK does; but it is recorded first, so that whoever is at this step cannot end it otherwise.
            Some(data) => Some(data.strip_prefix(RESULT).ok_or_else(|| BranchError::roll_back(NOT_TOLD))?),
        };
        if let Some(result) = known
            && is_prepared(pool, &barrier).await?
        {
            return Ok(StepEnd::Succeeded(result.to_vec()));
        }
        let result = OnceLock::new();
        let run = async |connection: &mut DB::Connection| {
            result.set(closure(connection).await?).ok();
            Ok(())
        };
        let recorded = async {
            let result = result.get().map_or(&[][..], Vec::as_slice);
            match known {
                Some(known) if known == result => Ok(()),
                Some(_) => Err(BranchError::roll_back(OTHER_RESULT)),
                None => {
                    let end = StepEnd::Succeeded([RESULT, result].concat());
                    Ok(self.record(branch, Op::Business, &end).await?)
                }
            }
        };
        match barrier.xa_prepare(pool, run, recorded).await? {
            Called::Ran(()) => Ok(StepEnd::Succeeded(result.into_inner().unwrap_or_default())),
            Called::NothingToDo(_) => Err(Committed(branch).into()),
        }
    }
}

async fn is_prepared<DB: XaDatabase>(pool: &Pool<DB>, barrier: &BranchBarrier) -> Result<bool, BranchError> {
    let context = barrier.context();
    let all = prepared(pool).await?;
    Ok(all.iter().any(|it| it.gid == context.gid && it.branch_id == context.branch_id))
}
