//! A bank with one account and a barrier, in each database.

use std::any::Any;

use dtm_barrier::sql::{SqlDatabase, TableName};
use dtm_barrier::{BranchBarrier, BranchError, BranchOp, Called, Mode, Skip};
use sqlx::Pool;

/// A row of the barrier table: branch id, op, barrier id, reason.
pub(crate) type BarrierRow = (String, String, String, String);

/// What the cases need of a database.
pub(crate) trait Bank: SqlDatabase {
    /// A bank of its own; `None`, after saying so, when the database does not run.
    async fn open() -> Option<Stage<Self>>;
    /// More connections to the same, that wait for a lock for a second at most.
    async fn impatient(stage: &Stage<Self>) -> Pool<Self>;
    /// Puts so many cents into the account.
    async fn add(connection: &mut Self::Connection, cents: i64) -> Result<(), sqlx::Error>;
    async fn balance(pool: &Pool<Self>) -> i64;
    /// The rows of a transaction.
    async fn rows(stage: &Stage<Self>, gid: &str) -> Vec<BarrierRow>;
    /// Inserts a row with the very statement of Go's SDK; whether it was new.
    async fn insert_as_go(stage: &Stage<Self>, gid: &str, row: [&str; 4]) -> bool;
    /// Whether an error of a statement ends the transaction.
    const ERRORS_END: bool;
    /// A statement that fails.
    async fn fail(connection: &mut Self::Connection) -> Result<(), sqlx::Error> {
        Self::execute(connection, "SELECT * FROM no_such_table").await
    }
    /// The connection breaks, or there is none that could and only the error is there.
    async fn break_off(connection: &mut Self::Connection) -> Result<(), sqlx::Error>;
    async fn execute(connection: &mut Self::Connection, statement: &'static str) -> Result<(), sqlx::Error>;
}

pub(crate) struct Stage<DB: sqlx::Database> {
    pub(crate) pool: Pool<DB>,
    pub(crate) table: TableName,
    /// The name of a table that is not there yet.
    pub(crate) another: TableName,
    /// Removes everything in the end.
    pub(crate) _guard: Box<dyn Any>,
}

impl<DB: Bank> Stage<DB> {
    pub(crate) fn barrier(&self, op: BranchOp) -> BranchBarrier {
        self.barrier_of("order-1", op)
    }

    pub(crate) fn barrier_of(&self, gid: &str, op: BranchOp) -> BranchBarrier {
        let (mode, branch_id) = match op {
            BranchOp::Action | BranchOp::Compensate => (Mode::Saga, "01"),
            BranchOp::Try | BranchOp::Confirm | BranchOp::Cancel => (Mode::Tcc, "01"),
            BranchOp::Message => (Mode::Message, "00"),
            _ => (Mode::Workflow, "01"),
        };
        BranchBarrier::new(mode, gid, branch_id, op).unwrap().in_table(self.table.clone())
    }

    /// Adds so many cents behind the barrier of a call of its own.
    pub(crate) async fn call(&self, op: BranchOp, cents: i64) -> Result<Called<()>, BranchError> {
        let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, cents).await?);
        self.barrier(op).call(&self.pool, business).await
    }

    pub(crate) async fn balance(&self) -> i64 {
        DB::balance(&self.pool).await
    }

    pub(crate) async fn rows(&self) -> Vec<BarrierRow> {
        DB::rows(self, "order-1").await
    }
}

pub(crate) const fn skipped(skip: Skip) -> Called<()> {
    Called::NothingToDo(skip)
}

/// Whether it means "try again later". A "no" would roll back what may have taken effect.
pub(crate) fn is_retry<T>(result: &Result<T, BranchError>) -> bool {
    matches!(result, Err(BranchError::Retry(_)))
}

/// A row that a `[branch id, op, barrier id, reason]` describes.
pub(crate) fn row(texts: [&str; 4]) -> BarrierRow {
    let [branch_id, op, barrier_id, reason] = texts.map(str::to_owned);
    (branch_id, op, barrier_id, reason)
}
