//! What a branch does in either phase.

use dtm_barrier::xa::XaDatabase;
use dtm_barrier::{BranchBarrier, BranchContext};
use dtm_core::model::{BranchId, Payload, Registration};
use sqlx::Pool;

use crate::branch::{BranchError, BranchOp, BranchResult, Done};
use crate::protocol::Verdict;
use crate::{Client, Error};

impl Client {
    /// Answers a call to a branch of XA, whichever phase it is. In the first, the closure runs in a transaction of the
    /// database, the branch is registered under the URL that the call names (`phase2_url`), and the transaction is
    /// prepared. In the second it is committed or rolled back, and the closure does not run.
    ///
    /// The second phase comes to the same URL with an empty body: read the body inside the closure.
    ///
    /// ```no_run
    /// # #[cfg(feature = "postgres")] mod example {
    /// use dtm_client::branch::BranchResult;
    /// use dtm_client::{BranchBarrier, Client};
    /// use sqlx::PgPool;
    ///
    /// // the handler of one URL, with axum for example
    /// async fn take(client: &Client, pool: &PgPool, barrier: BranchBarrier, body: &str) -> BranchResult {
    ///     client
    ///         .xa_local_transaction(barrier, pool, async |connection| {
    ///             let cents: i64 = body.parse()?;
    ///             sqlx::query("UPDATE account SET cents = cents - $1").bind(cents).execute(connection).await?;
    ///             Ok(())
    ///         })
    ///         .await
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`BranchBarrier::xa_prepare`] and [`BranchBarrier::xa_finish`]; [`BranchError::Retry`] also when the call names no
    /// `phase2_url`, or the server did not take the registration. Nothing is prepared then.
    pub async fn xa_local_transaction<DB, F>(
        &self,
        mut barrier: BranchBarrier,
        pool: &Pool<DB>,
        closure: F,
    ) -> BranchResult
    where
        DB: XaDatabase,
        F: AsyncFnOnce(&mut DB::Connection) -> Result<(), BranchError>,
    {
        let context = barrier.context().clone();
        if matches!(context.op, BranchOp::Commit | BranchOp::Rollback) {
            return barrier.xa_finish(pool).await;
        }
        let registered = async { self.register_xa(&context).await.map_err(BranchError::from) };
        barrier.xa_prepare(pool, closure, registered).await?;
        Ok(Done)
    }

    async fn register_xa(&self, context: &BranchContext) -> Result<(), Error> {
        let Some(url) = &context.phase2_url else {
            return Err(Error::invalid("phase2_url", "the call does not name the URL of the second phase"));
        };
        let (gid, branch_id) = (&context.gid, &context.branch_id);
        let registration = Registration::Xa {
            branch_id: BranchId::parse(branch_id).map_err(|error| Error::invalid("branch_id", error))?,
            url: url.as_str().into(),
            data: Payload::empty(),
        };
        let request = || format!("registerBranch {branch_id} of {gid}");
        match self.server.register(gid, &registration).await {
            Verdict::Accepted => Ok(()),
            Verdict::Stands { status, .. } => Err(Error::StillRunning { gid: gid.clone(), status }),
            Verdict::Conflict { code, message } | Verdict::Refused { code, message } => {
                Err(Error::Refused { request: request(), code, message })
            }
            Verdict::Unclear { cause } => Err(Error::NoAnswer { request: request(), cause }),
        }
    }
}
