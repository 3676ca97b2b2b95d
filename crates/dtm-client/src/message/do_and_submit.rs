//! A local transaction of one's own, and then the decision.
//!
//! | the closure returns | the back-check says | the message is |
//! |---|---|---|
//! | `Ok` | (not asked) | submitted |
//! | `BranchError::RollBack` | (not asked) | aborted |
//! | another error | committed | submitted |
//! | another error | rolled back | aborted |
//! | another error | nothing, or not yet | left to the server, which asks again |

use dtm_barrier::BranchBarrier;
use dtm_core::model::{Mode, Outcome};

use super::Message;
use crate::branch::{BranchError, BranchOp};
use crate::error::{Fate, said};
use crate::protocol::{BranchCall, Request, Verb};
use crate::settle::{Submission, settle_prepare};
use crate::two_phase::abort;
use crate::{Error, Receipt};

/// The branch of the local transaction.
const LOCAL_BRANCH: &str = "00";

impl Message {
    /// Prepares the message, runs the closure, and submits the message when the closure has succeeded.
    ///
    /// The closure commits a local transaction, and the barrier that it gets has to take part in it: then the
    /// back-check at `query_prepared`, a URL of yours, can tell whether it has committed. With sqlx,
    /// `do_and_submit_db` does that by itself.
    ///
    /// | the closure returns | the message |
    /// |---|---|
    /// | `Ok` | is submitted |
    /// | [`BranchError::RollBack`] | is aborted |
    /// | another error | the back-check is called: when it says "committed" (the answer of a commit can get lost), the message is submitted; when it says "rolled back", aborted; otherwise the server goes on asking |
    ///
    /// **Dropping the future**, a panic, or the death of the process leave a prepared message behind, of which
    /// the server finds out by the back-check after [`timeout_to_fail`](Self::timeout_to_fail): it is sent if
    /// the local transaction has committed, and not otherwise.
    ///
    /// ```no_run
    /// # use dtm_client::branch::BranchError;
    /// # async fn take_from_redis(barrier: dtm_client::BranchBarrier) -> Result<u32, BranchError> { Ok(1) }
    /// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
    /// let left = client
    ///     .message("flash-sale-7")
    ///     .step("http://order/create", &serde_json::json!({ "item": 7 }))
    ///     .do_and_submit("http://sale/query-prepared", async |barrier| take_from_redis(barrier).await)
    ///     .await?;
    /// # let _ = left;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Closure`] when the closure returned an error; its `fate` says what becomes of the message.
    /// [`Error::Unknown`] when nobody knows whether the submit arrived: the server finds out.
    /// [`Error::NoAnswer`], [`Error::Refused`], [`Error::Invalid`] when the message was not prepared; the
    /// closure was not called then. [`Error::AlreadySucceeded`], [`Error::RolledBack`],
    /// [`Error::StillRunning`] when there was a message of this name before.
    pub async fn do_and_submit<T, F, Fut>(
        self,
        query_prepared: impl Into<String>,
        closure: F,
    ) -> Result<T, Error>
    where
        F: FnOnce(BranchBarrier) -> Fut,
        Fut: Future<Output = Result<T, BranchError>>,
    {
        let message = self.query_prepared(query_prepared);
        let request = message.prepared().await?;
        let barrier = BranchBarrier::of_message(request.gid).map_err(|error| Error::invalid("gid", error))?;
        let result = closure(barrier).await;
        message.decide(&request, result).await
    }

    /// Prepares, after checking that this client can ask the back-check itself.
    pub(super) async fn prepared(&self) -> Result<Request<'_>, Error> {
        let unnamed = self.checked()?;
        self.client.server.check_branch(self.back_check())?;
        let request = self.named(unnamed).await?;
        let verdict = self.client.server.transaction(Verb::Prepare, &request).await?;
        settle_prepare(&self.client, request.gid, verdict).await?;
        Ok(request)
    }

    /// Submits or aborts, by what the closure returned.
    pub(super) async fn decide<T>(
        &self,
        request: &Request<'_>,
        result: Result<T, BranchError>,
    ) -> Result<T, Error> {
        let cause = match result {
            Ok(value) => return self.submit_prepared(request).await.map(|_| value),
            Err(cause) => cause,
        };
        let local = match &cause {
            BranchError::RollBack(reason) => Outcome::Failure { reason: reason.clone() },
            _ => self.ask_back_check(request).await,
        };
        let fate = match local {
            Outcome::Success => {
                // when this gets lost, the server asks the back-check, and finds the same
                self.submit_prepared(request).await.ok();
                Fate::Submitted
            }
            Outcome::Failure { .. } => {
                // when this gets lost, the back-check says the same
                abort(&self.client, request.gid, request, &said(&cause)).await.ok();
                Fate::RolledBack
            }
            Outcome::Ongoing | Outcome::Unknown { .. } | Outcome::NotSent { .. } => Fate::Open,
        };
        Err(Error::Closure { gid: request.gid.to_owned(), cause, fate })
    }

    async fn submit_prepared(&self, request: &Request<'_>) -> Result<Receipt, Error> {
        let verdict = self.client.server.transaction(Verb::Submit, request).await?;
        let submission =
            Submission { client: &self.client, gid: request.gid, wait_result: request.options.wait_result };
        submission.settle(verdict).await
    }

    async fn ask_back_check(&self, request: &Request<'_>) -> Outcome {
        let call = BranchCall {
            url: self.back_check(),
            gid: request.gid,
            mode: Mode::Message,
            branch_id: LOCAL_BRANCH,
            op: BranchOp::Message,
            phase2_url: None,
            payload: None,
            options: &request.options,
        };
        match self.client.server.call(&call).await {
            Ok(called) => called.outcome,
            Err(error) => Outcome::NotSent { cause: error.to_string() },
        }
    }
}
