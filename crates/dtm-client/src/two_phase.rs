//! What TCC and XA have in common: prepare, call the branches, then submit or abort.

use dtm_core::model::{Mode, truncate};

use crate::branch::BranchError;
use crate::error::said;
use crate::gid::Gid;
use crate::options::Options;
use crate::protocol::{Request, Verb, Verdict};
use crate::scope::Scope;
use crate::settle::{Submission, fate_after_abort, settle_prepare};
use crate::{Client, Error};

/// A transaction in two phases, before it runs.
#[derive(Debug)]
pub(crate) struct TwoPhase {
    pub(crate) client: Client,
    pub(crate) gid: Gid,
    pub(crate) mode: Mode,
    pub(crate) options: Options,
}

/// Fits the column of a server that is DTM itself.
const REASON_BYTES_MAX: usize = 1_000;

impl TwoPhase {
    /// Runs the first phase, and decides about the second.
    pub(crate) async fn run<T, H, F, Fut>(
        &self,
        handle: impl FnOnce(Scope) -> H,
        closure: F,
    ) -> Result<T, Error>
    where
        F: FnOnce(H) -> Fut,
        Fut: Future<Output = Result<T, BranchError>>,
    {
        self.gid.check()?;
        let options = self.options.checked()?;
        let gid = self.gid.resolve(&self.client).await?;
        let request = Request { options: options.clone(), ..Request::new(gid, self.mode) };
        let verdict = self.client.server.transaction(Verb::Prepare, &request).await?;
        settle_prepare(&self.client, gid, verdict).await?;

        let scope = Scope::new(self.client.clone(), gid.to_owned(), self.mode, options);
        let result = closure(handle(scope.clone())).await;
        match result.and_then(|value| complete(&scope).map(|()| value)) {
            Ok(value) => {
                let verdict = self.client.server.transaction(Verb::Submit, &request).await?;
                let submission =
                    Submission { client: &self.client, gid, wait_result: self.options.wait_result };
                submission.settle(verdict).await.map(|_| value)
            }
            Err(cause) => {
                let reason = said(&cause);
                let told = abort(&self.client, gid, &request, &reason).await;
                let fate = fate_after_abort(self.options.wait_result, told);
                Err(Error::Closure { gid: gid.to_owned(), cause, fate })
            }
        }
    }
}

/// A branch without its first phase must not see the second one.
fn complete(scope: &Scope) -> Result<(), BranchError> {
    let missing = scope.not_succeeded();
    if missing > 0 {
        return Err(BranchError::roll_back(format!(
            "the closure returned Ok, but {missing} of its branches did not succeed"
        )));
    }
    if scope.is_shared() {
        let reason = "the closure returned Ok, but something outlives it that may still call branches";
        return Err(BranchError::roll_back(reason));
    }
    Ok(())
}

/// Tells the server to roll back. When that does not arrive, its time-out does the same.
pub(crate) async fn abort(
    client: &Client,
    gid: &str,
    request: &Request<'_>,
    reason: &str,
) -> Result<Verdict, Error> {
    let reason = truncate(reason, REASON_BYTES_MAX);
    let request = Request { rollback_reason: reason, gid, ..request.clone() };
    client.server.transaction(Verb::Abort, &request).await
}
