//! TCC: try everywhere, then confirm everywhere or cancel everywhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dtm_core::model::{BranchId, Mode, Registration};
use dtm_proto::http::RegisterRequest;
use serde::Serialize;

use super::options::options;
use super::request::Request;
use super::step::written;
use super::{BranchContext, BranchError, BranchOp, BranchResult, Coordinator, Done, Error};
use crate::api;

/// A TCC that is being put together: [`Coordinator::tcc`].
#[derive(Debug, Clone)]
#[must_use = "a TCC does nothing until it is run"]
pub struct Tcc {
    request: Request,
}

/// The first phase of a TCC: branches are registered and tried.
#[derive(Debug)]
pub struct Tries {
    coordinator: Coordinator,
    gid: String,
    counts: Arc<Counts>,
}

/// Outlives the closure, which may swallow the error of a try.
#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU32,
    succeeded: AtomicU32,
}

impl Tcc {
    pub(super) fn new(coordinator: Coordinator, gid: &str) -> Self {
        Self { request: Request::new(coordinator, gid, Mode::Tcc) }
    }

    options!();

    /// Runs the tries. When they succeed, every branch is confirmed; when any of them fails, for whatever reason, every
    /// branch that was registered is cancelled, also those whose try never took place. So it is, too, when the closure
    /// returns `Ok` although a try did not succeed, or while something that can make tries outlives it.
    ///
    /// When the future is dropped, or the process dies in between, the coordinator cancels everything after
    /// `timeout_to_fail` (35 seconds unless set). A gid can be run once. What the closure returns is passed on.
    ///
    /// # Errors
    /// [`Error::RolledBack`] when a try failed, and any other [`Error`].
    pub async fn run<T, F, R>(&self, tries: F) -> Result<T, Error>
    where
        F: FnOnce(Tries) -> R,
        R: Future<Output = Result<T, BranchError>>,
    {
        self.request.prepare().await?;
        let counts = Arc::new(Counts::default());
        let phase_one = Tries {
            coordinator: self.request.coordinator.clone(),
            gid: self.gid().to_owned(),
            counts: Arc::clone(&counts),
        };
        let result = tries(phase_one).await;
        match result.and_then(|value| complete(&counts).map(|()| value)) {
            Ok(value) => self.request.submit().await.map(|_| value),
            Err(BranchError::RollBack(reason)) => Err(self.request.abort(reason).await),
            Err(error @ (BranchError::Ongoing | BranchError::Retry(_))) => {
                Err(self.request.abort(format!("a try did not succeed: {error}")).await)
            }
        }
    }
}

impl Tries {
    /// Registers a branch, and then tries it. `confirm` and `cancel` are URLs, [`local`](super::local) or remote; both are
    /// called with `payload`. `attempt` is the try itself: what is to be done in this process, or a call of another one; the
    /// barrier needs the context.
    ///
    /// # Errors
    /// What `attempt` returns, and [`BranchError::Retry`] when the branch cannot be registered. Hand it on with `?`.
    pub async fn branch<T, F, R>(
        &self,
        confirm: impl Into<String>,
        cancel: impl Into<String>,
        payload: &T,
        attempt: F,
    ) -> Result<(), BranchError>
    where
        T: Serialize + ?Sized,
        F: FnOnce(BranchContext) -> R,
        R: Future<Output = BranchResult>,
    {
        let branch_id = format!("{:02}", self.counts.begun.fetch_add(1, Ordering::SeqCst).saturating_add(1));
        let (confirm, cancel) = (confirm.into(), cancel.into());
        let payload = written(&confirm, payload)?;
        let registration = Registration::Tcc {
            branch_id: BranchId::parse(&branch_id)?,
            confirm: confirm.into(),
            cancel: cancel.into(),
            data: payload,
        };
        let request = RegisterRequest::of(&self.gid, &registration);
        api::register_branch(self.coordinator.api(), &request).await?;
        let context = BranchContext::new(self.gid.as_str(), branch_id, BranchOp::Try, Mode::Tcc);
        let Done = attempt(context).await?;
        self.counts.succeeded.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// A branch without its try must not be confirmed.
fn complete(counts: &Arc<Counts>) -> Result<(), BranchError> {
    let (begun, succeeded) = (counts.begun.load(Ordering::SeqCst), counts.succeeded.load(Ordering::SeqCst));
    let missing = begun.saturating_sub(succeeded);
    if missing > 0 {
        let reason = format!("the closure returned Ok, but {missing} of its tries did not succeed");
        return Err(BranchError::roll_back(reason));
    }
    if Arc::strong_count(counts) > 1 {
        let reason = "the closure returned Ok, but something outlives it that may still make tries";
        return Err(BranchError::roll_back(reason));
    }
    Ok(())
}
