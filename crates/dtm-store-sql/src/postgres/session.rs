//! A connection while one call uses it.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgPool, Postgres};

use super::error::{connecting, fault, is_read_only};
use crate::fault::Fault;

/// A statement with its parameters.
pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// A connection from a pool. It goes back there only when it is known to be idle, outside a transaction and of use:
/// whoever drops it in the middle of anything, by an error or because its caller went away, closes it, and the server
/// rolls back.
pub(super) struct Session {
    connection: PoolConnection<Postgres>,
    timeout: Duration,
    clean: bool,
    in_transaction: bool,
}

impl Session {
    /// Takes one from the pool. `timeout` is how long a statement may take; the server ends it by itself before that,
    /// if it still answers.
    pub(super) async fn take(pool: &PgPool, timeout: Duration) -> Result<Self, Fault> {
        let connection = pool.acquire().await.map_err(connecting)?;
        Ok(Self { connection, timeout, clean: true, in_transaction: false })
    }

    /// Executes a statement and reads all that it brings. Only the end of the answer says that it was committed, and
    /// this waits for it.
    pub(super) async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Fault> {
        self.clean = false;
        let answer = tokio::time::timeout(self.timeout, statement.fetch_all(&mut *self.connection)).await;
        match answer {
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
            Err(_) => Err(Fault::Lost(format!("PostgreSQL did not answer for {:?}", self.timeout))),
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

impl Drop for Session {
    fn drop(&mut self) {
        if !self.clean || self.in_transaction {
            self.connection.close_on_drop();
        }
    }
}
