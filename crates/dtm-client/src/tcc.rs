//! TCC: try all branches, then confirm all of them or cancel all of them.

use std::time::Duration;

use dtm_core::model::{Mode, Registration};

use crate::branch::{BranchContext, BranchError, BranchOp};
use crate::gid::Gid;
use crate::options::{Options, common_options};
use crate::scope::Scope;
use crate::two_phase::TwoPhase;
use crate::{CallError, Client, Error, IntoPayload, Reply};

/// A TCC in the making. Get one from [`Client::tcc`] or [`Client::tcc_with_new_gid`].
///
/// Each branch has three URLs. The client calls `try`, which reserves something; when all tries have succeeded,
/// the server calls `confirm` on each, which makes the reservation final, otherwise `cancel`, which gives it
/// back. Confirm and cancel have to succeed in the end: the server calls them until they do.
///
/// ```no_run
/// use dtm_client::Client;
///
/// #[derive(serde::Deserialize)]
/// struct Seat { number: u32 }
///
/// # async fn example(client: Client) -> Result<(), dtm_client::Error> {
/// let seat = client
///     .tcc("trip-7")
///     .wait_result()
///     .run(async |tcc| {
///         let flight = tcc.branch("http://flight/try").confirm("http://flight/confirm").cancel("http://flight/cancel");
///         let seat: Seat = flight.call(&serde_json::json!({ "to": "Oslo" })).await?.json()?;
///         let hotel = tcc.branch("http://hotel/try").confirm("http://hotel/confirm").cancel("http://hotel/cancel");
///         hotel.call(&serde_json::json!({ "nights": 2 })).await?;
///         Ok(seat.number)
///     })
///     .await?;
/// println!("you have seat {seat}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a TCC does nothing until it is run"]
pub struct GlobalTcc {
    client: Client,
    gid: Gid,
    options: Options,
}

impl GlobalTcc {
    pub(crate) fn new(client: Client, gid: Gid) -> Self {
        Self { client, gid, options: Options::default() }
    }

    /// Lets [`run`](Self::run) wait until the confirms (or cancels) have been called once.
    pub const fn wait_result(mut self) -> Self {
        self.options.wait_result = true;
        self
    }

    /// Rolls back what is not submitted after this time (35 seconds unless the server's configuration says
    /// otherwise): all tries together have to be faster.
    pub const fn timeout_to_fail(mut self, after: Duration) -> Self {
        self.options.timeout_to_fail = Some(after);
        self
    }

    common_options!();

    /// Prepares the transaction, runs the closure, which calls the branches, and then submits; or aborts, when
    /// the closure returns an error. What it returns is passed on.
    ///
    /// Any error aborts, also that of a try that nobody knows about (a time-out): a cancel undoes a try whether
    /// it took effect or not, as it has to be able to anyway. Should the closure return `Ok` although a try did
    /// not succeed, or while something that can call branches outlives it, that aborts too.
    ///
    /// **Dropping the future**, a panic in the closure, or the death of the process leave a prepared transaction
    /// behind, which the server rolls back after [`timeout_to_fail`](Self::timeout_to_fail), whatever had been
    /// tried by then. (When the future is dropped while it submits, the submit may have arrived: ask with
    /// [`Client::status`].)
    ///
    /// # Errors
    /// [`Error::Closure`] when it was aborted. [`Error::Unknown`] when nobody knows whether the submit arrived:
    /// [`Client::wait`] tells how it ended. [`Error::NoAnswer`], [`Error::Refused`], [`Error::Invalid`] when it
    /// was not prepared; the closure was not called then. [`Error::AlreadySucceeded`], [`Error::RolledBack`],
    /// [`Error::StillRunning`] when there was a transaction of this name before; with
    /// [`wait_result`](Self::wait_result), the latter also when a confirm did not succeed yet.
    pub async fn run<T, F, Fut>(self, closure: F) -> Result<T, Error>
    where
        F: FnOnce(Tcc) -> Fut,
        Fut: Future<Output = Result<T, BranchError>>,
    {
        let Self { client, gid, options } = self;
        let transaction = TwoPhase { client, gid, mode: Mode::Tcc, options };
        transaction.run(|scope| Tcc { scope }, closure).await
    }
}

/// A TCC that is running: calls branches.
#[derive(Debug)]
pub struct Tcc {
    scope: Scope,
}

impl Tcc {
    /// Inside a try: the same transaction, to have branches of one's own. They are confirmed or cancelled with
    /// everything else, so there is nothing to submit here; when one of them fails, answer with an error, and
    /// whoever called aborts. [`CallError::into_branch_error`] keeps a "no", so that the caller hears the reason.
    ///
    /// ```no_run
    /// # #[cfg(feature = "axum")] mod example {
    /// use dtm_client::branch::{BranchContext, BranchResult, Done};
    /// use dtm_client::{CallError, Client, Tcc};
    ///
    /// async fn try_trip(context: BranchContext, client: Client) -> BranchResult {
    ///     let tcc = Tcc::from_branch(&client, &context)?;
    ///     let hotel = tcc.branch("http://hotel/try").confirm("http://hotel/confirm").cancel("http://hotel/cancel");
    ///     hotel.call(&2).await.map_err(CallError::into_branch_error)?;
    ///     Ok(Done)
    /// }
    /// # }
    /// ```
    ///
    /// `client` has to reach the server that the transaction came from, or another one on its store.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the call is not a try of a TCC, or nested too deep.
    pub fn from_branch(client: &Client, context: &BranchContext) -> Result<Self, Error> {
        if (context.trans_type, context.op) != (Mode::Tcc, BranchOp::Try) {
            let found = format!(
                "it is {} of {}: only a try of a TCC can have branches",
                context.op, context.trans_type
            );
            return Err(Error::invalid("the incoming call", found));
        }
        let (gid, parent) = (context.gid.clone(), context.branch_id.clone());
        Ok(Self { scope: Scope::nested(client.clone(), gid, Mode::Tcc, parent)? })
    }

    /// The name of the transaction.
    #[must_use]
    pub fn gid(&self) -> &str {
        self.scope.gid()
    }

    /// A branch whose try is at this URL. Without a URL, confirm or cancel count as done without a call.
    pub fn branch(&self, try_url: impl Into<String>) -> TccBranch<'_> {
        TccBranch { tcc: self, try_url: try_url.into(), confirm: String::new(), cancel: String::new() }
    }
}

/// A branch that is not called yet.
#[derive(Debug)]
#[must_use = "a branch does nothing until it is called"]
pub struct TccBranch<'a> {
    tcc: &'a Tcc,
    try_url: String,
    confirm: String,
    cancel: String,
}

impl TccBranch<'_> {
    /// Where its reservation is made final.
    pub fn confirm(self, url: impl Into<String>) -> Self {
        Self { confirm: url.into(), ..self }
    }

    /// Where its reservation is given back.
    pub fn cancel(self, url: impl Into<String>) -> Self {
        Self { cancel: url.into(), ..self }
    }

    /// Registers the branch, and calls its try with this payload. The server calls confirm or cancel with the
    /// same one.
    ///
    /// When the future is dropped, the try may have arrived or not, and the transaction cannot be submitted any
    /// more: [`GlobalTcc::run`] aborts then.
    ///
    /// # Errors
    /// [`CallError`]; pass it on with `?`.
    pub async fn call(self, payload: impl IntoPayload) -> Result<Reply, CallError> {
        let Self { tcc: Tcc { scope }, try_url, confirm, cancel } = self;
        scope.check(&try_url)?;
        let payload = match payload.into_payload() {
            Ok(payload) => payload,
            Err(source) => return Err(Error::Payload { action: try_url, source }.into()),
        };
        let branch_id = scope.begin_branch()?;
        let registration = Registration::Tcc {
            branch_id: branch_id.clone(),
            confirm: confirm.into(),
            cancel: cancel.into(),
            data: payload.as_bytes().into(),
        };
        scope.register(&registration).await?;
        scope.call(&try_url, &branch_id, BranchOp::Try, &payload).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_try_of_a_tcc_can_have_branches() {
        let client = Client::http("http://localhost:1").unwrap();
        let of = |op, mode| Tcc::from_branch(&client, &BranchContext::new("g", "01", op, mode));
        assert_eq!(of(BranchOp::Try, Mode::Tcc).unwrap().gid(), "g");
        for (op, mode) in [(BranchOp::Confirm, Mode::Tcc), (BranchOp::Action, Mode::Saga)] {
            let error = of(op, mode).unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "the incoming call", .. }), "{error}");
        }
    }
}
