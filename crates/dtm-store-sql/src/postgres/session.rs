//! A connection while one call uses it.

use sqlx::PgConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use tokio::sync::SemaphorePermit;

use super::connections::Connections;
use super::error::{fault, is_read_only};
use crate::fault::Fault;

/// A statement with its parameters.
pub(super) type Statement<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// A connection that goes back only when it is known to be idle, outside a transaction and of use. Whoever drops it
/// in the middle of anything, by an error or because its caller went away, ends it, and the server rolls back.
pub(super) struct Session<'a> {
    connections: &'a Connections,
    connection: Option<PgConnection>,
    clean: bool,
    in_transaction: bool,
    /// Given back after the connection.
    _permit: SemaphorePermit<'a>,
}

impl<'a> Session<'a> {
    pub(super) async fn take(connections: &'a Connections) -> Result<Self, Fault> {
        let (connection, permit) = connections.take().await?;
        Ok(Self {
            connections,
            connection: Some(connection),
            clean: true,
            in_transaction: false,
            _permit: permit,
        })
    }

    /// Executes a statement and reads all that it brings. Only the end of the answer says that it was committed, and
    /// this waits for it.
    pub(super) async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Fault> {
        let Some(connection) = &mut self.connection else { return Err(Fault::Closed) };
        self.clean = false;
        let patience = self.connections.patience();
        match tokio::time::timeout(patience, statement.fetch_all(connection)).await {
            Ok(Ok(rows)) => {
                self.clean = true;
                Ok(rows)
            }
            Ok(Err(error)) => {
                let useless = is_read_only(&error);
                let fault = fault(error);
                self.clean = !useless && !matches!(fault, Fault::Lost(_));
                Err(fault)
            }
            Err(_) => Err(Fault::Lost(format!("PostgreSQL did not answer for {patience:?}"))),
        }
    }

    /// The same for a statement that brings one row, at most.
    pub(super) async fn row(&mut self, statement: Statement<'_>) -> Result<Option<PgRow>, Fault> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    /// Begins a transaction. It is rolled back unless it is committed.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        self.in_transaction = true;
        self.rows(sqlx::query("BEGIN")).await.map(|_| ())
    }

    /// Commits the transaction.
    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        self.rows(sqlx::query("COMMIT")).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Ends a transaction in which nothing was changed.
    pub(super) async fn roll_back(&mut self) -> Result<(), Fault> {
        self.rows(sqlx::query("ROLLBACK")).await?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| self.clean && !self.in_transaction) {
            self.connections.keep(connection);
        }
    }
}
