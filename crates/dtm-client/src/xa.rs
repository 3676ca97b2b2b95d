//! XA: branches that prepare a database transaction each, then commit all of them or roll back all of them.

use std::time::Duration;

use dtm_core::model::Mode;

use crate::branch::{BranchError, BranchOp};
use crate::gid::Gid;
use crate::options::{Options, common_options};
use crate::scope::Scope;
use crate::two_phase::TwoPhase;
use crate::{CallError, Client, Error, IntoPayload, Reply};

/// An XA transaction in the making. Get one from [`Client::xa`] or [`Client::xa_with_new_gid`].
///
/// Each branch has one URL. The client calls it with `op=action`, and the branch prepares its database
/// transaction and registers itself; afterwards the server calls it with `op=commit` or `op=rollback`.
///
/// ```no_run
/// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
/// client
///     .xa("transfer-7")
///     .wait_result()
///     .run(async |xa| {
///         xa.call("http://bank-a/take", &serde_json::json!({ "cents": 3_000 })).await?;
///         xa.call("http://bank-b/give", &serde_json::json!({ "cents": 3_000 })).await?;
///         Ok(())
///     })
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an XA transaction does nothing until it is run"]
pub struct GlobalXa {
    client: Client,
    gid: Gid,
    options: Options,
}

impl GlobalXa {
    pub(crate) fn new(client: Client, gid: Gid) -> Self {
        Self { client, gid, options: Options::default() }
    }

    /// Lets [`run`](Self::run) wait until the branches have been told once to commit (or to roll back).
    pub const fn wait_result(mut self) -> Self {
        self.options.wait_result = true;
        self
    }

    /// Rolls back what is not submitted after this time (35 seconds unless the server's configuration says
    /// otherwise): all branches together have to be faster.
    pub const fn timeout_to_fail(mut self, after: Duration) -> Self {
        self.options.timeout_to_fail = Some(after);
        self
    }

    common_options!();

    /// Prepares the transaction, runs the closure, which calls the branches, and then submits; or aborts, when
    /// the closure returns an error. What it returns is passed on.
    ///
    /// Any error aborts, also that of a branch that nobody knows about (a time-out). Should the closure return
    /// `Ok` although a branch did not succeed, or while something that can call branches outlives it, that
    /// aborts too.
    ///
    /// **Dropping the future**, a panic in the closure, or the death of the process leave a prepared transaction
    /// behind, which the server rolls back after [`timeout_to_fail`](Self::timeout_to_fail). (When the future is
    /// dropped while it submits, the submit may have arrived: ask with [`Client::status`].)
    ///
    /// # Errors
    /// As [`GlobalTcc::run`](crate::GlobalTcc::run).
    pub async fn run<T, F, Fut>(self, closure: F) -> Result<T, Error>
    where
        F: FnOnce(Xa) -> Fut,
        Fut: Future<Output = Result<T, BranchError>>,
    {
        let Self { client, gid, options } = self;
        let transaction = TwoPhase { client, gid, mode: Mode::Xa, options };
        transaction.run(|scope| Xa { scope }, closure).await
    }
}

/// An XA transaction that is running: calls branches.
#[derive(Debug)]
pub struct Xa {
    scope: Scope,
}

impl Xa {
    /// The name of the transaction.
    #[must_use]
    pub fn gid(&self) -> &str {
        self.scope.gid()
    }

    /// Has a branch do its part. It does so in a database transaction that it prepares, and registers itself
    /// with the server.
    ///
    /// When the future is dropped, the branch may have done it or not, and the transaction cannot be submitted
    /// any more: [`GlobalXa::run`] aborts then.
    ///
    /// # Errors
    /// [`CallError`]; pass it on with `?`.
    pub async fn call(&self, url: impl Into<String>, payload: impl IntoPayload) -> Result<Reply, CallError> {
        let url = url.into();
        self.scope.check(&url)?;
        let payload = match payload.into_payload() {
            Ok(payload) => payload,
            Err(source) => return Err(Error::Payload { action: url, source }.into()),
        };
        let branch_id = self.scope.begin_branch()?;
        self.scope.call(&url, &branch_id, BranchOp::Action, &payload).await
    }
}
