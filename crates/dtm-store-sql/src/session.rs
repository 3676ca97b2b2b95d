//! A connection while one call uses it.

use tokio::sync::SemaphorePermit;
use tokio::time::error::Elapsed;

use crate::connections::{Connections, Open};
use crate::fault::Fault;
use crate::server::{Server, Statement};

/// A connection that goes back only when it is known to be idle, outside a transaction and of use. Whoever drops it
/// in the middle of anything, by an error or because its caller went away, ends it, and the server rolls back.
pub(crate) struct Session<'a, S: Server> {
    connections: &'a Connections<S>,
    open: Option<Open<S>>,
    clean: bool,
    in_transaction: bool,
    /// Given back after the connection.
    _permit: SemaphorePermit<'a>,
}

impl<'a, S: Server> Session<'a, S> {
    pub(crate) async fn take(connections: &'a Connections<S>) -> Result<Self, Fault> {
        let (open, permit) = connections.take().await?;
        Ok(Self { connections, open: Some(open), clean: true, in_transaction: false, _permit: permit })
    }

    /// Executes a statement and reads all that it brings. Only the end of the answer says that it was committed, and
    /// this waits for it.
    pub(crate) async fn rows(&mut self, statement: Statement<'_, S>) -> Result<Vec<S::Row>, Fault> {
        let Some(Open { connection, .. }) = &mut self.open else { return Err(Fault::Closed) };
        self.clean = false;
        let patience = self.connections.patience();
        let answer = tokio::time::timeout(patience, S::fetch(connection, statement)).await;
        self.settle(answer)
    }

    /// Executes a statement that changes rows, and says how many it has changed, or found as it wants them.
    pub(crate) async fn change(&mut self, statement: Statement<'_, S>) -> Result<u64, Fault> {
        let Some(Open { connection, .. }) = &mut self.open else { return Err(Fault::Closed) };
        self.clean = false;
        let patience = self.connections.patience();
        let answer = tokio::time::timeout(patience, S::change(connection, statement)).await;
        self.settle(answer)
    }

    /// Executes a statement that the server does not prepare.
    async fn run(&mut self, statement: &'static str) -> Result<(), Fault> {
        let Some(Open { connection, .. }) = &mut self.open else { return Err(Fault::Closed) };
        self.clean = false;
        let patience = self.connections.patience();
        let answer = tokio::time::timeout(patience, S::run(connection, statement)).await;
        self.settle(answer)
    }

    /// Whether the connection can be used again, and what the answer means.
    fn settle<T>(&mut self, answer: Result<Result<T, sqlx::Error>, Elapsed>) -> Result<T, Fault> {
        match answer {
            Ok(Ok(value)) => {
                self.clean = true;
                Ok(value)
            }
            Ok(Err(error)) => {
                let useless = S::is_read_only(&error);
                let fault = S::fault(error);
                self.clean = !useless && !matches!(fault, Fault::Lost(_));
                Err(fault)
            }
            Err(_) => {
                let patience = self.connections.patience();
                Err(Fault::Lost(format!("{} did not answer for {patience:?}", S::CALLED)))
            }
        }
    }

    /// The same for a statement that brings one row, at most.
    pub(crate) async fn row(&mut self, statement: Statement<'_, S>) -> Result<Option<S::Row>, Fault> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    /// Begins a transaction. It is rolled back unless it is committed.
    pub(crate) async fn begin(&mut self) -> Result<(), Fault> {
        self.begin_by(S::BEGIN).await
    }

    /// The same by another statement, which may do more in the same round trip.
    pub(crate) async fn begin_by(&mut self, statement: &'static str) -> Result<(), Fault> {
        self.in_transaction = true;
        self.run(statement).await
    }

    /// Commits the transaction.
    pub(crate) async fn commit(&mut self) -> Result<(), Fault> {
        self.run("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Takes back what the transaction has done.
    pub(crate) async fn roll_back(&mut self) -> Result<(), Fault> {
        self.run("ROLLBACK").await?;
        self.in_transaction = false;
        Ok(())
    }
}

impl<S: Server> Drop for Session<'_, S> {
    fn drop(&mut self) {
        if let Some(open) = self.open.take().filter(|_| self.clean && !self.in_transaction) {
            self.connections.keep(open);
        }
    }
}
