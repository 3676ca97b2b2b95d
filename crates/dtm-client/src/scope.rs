//! The branches that a client calls itself: their ids, the calls, and whether all of them succeeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dtm_core::model;
use dtm_core::model::{BranchId, Mode, Outcome, Registration};

use crate::branch::BranchOp;
use crate::protocol::{BranchCall, Called, Verdict, shown_branch, without_marker};
use crate::{CallError, Client, Error, Payload, Reply};

/// A transaction whose branches are being called. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Scope(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    gid: String,
    mode: Mode,
    options: model::Options,
    /// The id of the branch that these are inside of; empty at the top.
    parent: String,
    begun: AtomicU32,
    succeeded: AtomicU32,
}

/// What two digits can count.
const BRANCHES_MAX: u32 = 99;
/// A parent with a longer id cannot have branches, as in the other SDKs.
const PARENT_ID_BYTES_MAX: usize = 20;

impl Scope {
    pub(crate) fn new(client: Client, gid: String, mode: Mode, options: model::Options) -> Self {
        Self::inside(client, gid, mode, options, String::new())
    }

    fn inside(client: Client, gid: String, mode: Mode, options: model::Options, parent: String) -> Self {
        Self(Arc::new(Shared {
            client,
            gid,
            mode,
            options,
            parent,
            begun: AtomicU32::new(0),
            succeeded: AtomicU32::new(0),
        }))
    }

    /// The branches of a branch.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is nested too deep.
    pub(crate) fn nested(client: Client, gid: String, mode: Mode, parent: String) -> Result<Self, Error> {
        if parent.len() >= PARENT_ID_BYTES_MAX {
            let reason =
                format!("{parent} is nested too deep: its id has to be shorter than {PARENT_ID_BYTES_MAX}");
            return Err(Error::invalid("branch_id", reason));
        }
        crate::gid::check(&gid)?;
        BranchId::parse(&parent).map_err(|error| Error::invalid("branch_id", error))?;
        Ok(Self::inside(client, gid, mode, model::Options::default(), parent))
    }

    pub(crate) fn gid(&self) -> &str {
        &self.0.gid
    }

    /// Whether anybody else still has it, and so may still call branches.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// How many branches did not succeed, or have not ended.
    pub(crate) fn not_succeeded(&self) -> u32 {
        self.0.begun.load(Ordering::SeqCst).saturating_sub(self.0.succeeded.load(Ordering::SeqCst))
    }

    /// The id of the next branch: that of the parent, and two digits.
    pub(crate) fn begin_branch(&self) -> Result<BranchId, Error> {
        let number = self.0.begun.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        if number > BRANCHES_MAX {
            let reason = format!("a transaction calls at most {BRANCHES_MAX} branches on one level");
            return Err(Error::invalid("branch", reason));
        }
        let id = format!("{}{number:02}", self.0.parent);
        BranchId::parse(&id).map_err(|error| Error::invalid("branch_id", error))
    }

    /// Before anything is sent: whether this client can call that URL.
    pub(crate) fn check(&self, url: &str) -> Result<(), Error> {
        self.0.client.server.check_branch(url)
    }

    /// Makes a branch known to the server, so that it is part of the end.
    pub(crate) async fn register(&self, registration: &Registration) -> Result<(), Error> {
        let gid = self.gid();
        let request = || format!("registerBranch {} of {gid}", registration.branch_id());
        match self.0.client.server.register(gid, registration).await {
            Verdict::Accepted => Ok(()),
            Verdict::Stands { status, .. } => Err(Error::StillRunning { gid: gid.to_owned(), status }),
            Verdict::Conflict { code, message } | Verdict::Refused { code, message } => {
                Err(Error::Refused { request: request(), code, message })
            }
            Verdict::Unclear { cause } => Err(Error::NoAnswer { request: request(), cause }),
        }
    }

    /// Calls a branch, once. What it says counts for the end of the transaction.
    pub(crate) async fn call(
        &self,
        url: &str,
        branch_id: &BranchId,
        op: BranchOp,
        payload: &Payload,
    ) -> Result<Reply, CallError> {
        let call = BranchCall {
            url,
            gid: self.gid(),
            mode: self.0.mode,
            branch_id: branch_id.as_str(),
            op,
            phase2_url: (self.0.mode == Mode::Xa).then_some(url),
            payload: Some(payload),
            options: &self.0.options,
        };
        let Called { outcome, body } = self.0.client.server.call(&call).await?;
        let url = shown_branch(url);
        match outcome {
            Outcome::Success => {
                self.0.succeeded.fetch_add(1, Ordering::SeqCst);
                Ok(Reply::new(url, body))
            }
            Outcome::Failure { reason } => Err(CallError::RollBack { url, reason: said(&reason) }),
            Outcome::Ongoing => Err(CallError::Ongoing { url }),
            Outcome::Unknown { cause } | Outcome::NotSent { cause } => Err(CallError::Unknown { url, cause }),
        }
    }
}

/// The message in an answer that is JSON, or the whole answer.
fn said(answer: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Body {
        message: String,
    }
    let message = serde_json::from_str(answer).map(|Body { message }| message);
    without_marker(message.as_deref().unwrap_or(answer)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client::http("http://localhost:1").unwrap()
    }

    #[test]
    fn branches_are_numbered_with_two_digits_below_their_parent() {
        // behaviour 79
        let top = Scope::new(client(), "g".to_owned(), Mode::Tcc, model::Options::default());
        assert_eq!(top.begin_branch().unwrap().as_str(), "01");
        assert_eq!(top.begin_branch().unwrap().as_str(), "02");
        let nested = Scope::nested(client(), "g".to_owned(), Mode::Tcc, "02".to_owned()).unwrap();
        assert_eq!(nested.begin_branch().unwrap().as_str(), "0201");
        assert_eq!((top.not_succeeded(), nested.not_succeeded()), (2, 1));
    }

    #[test]
    fn there_is_no_hundredth_branch_and_no_nesting_without_end() {
        // features 1.1
        let top = Scope::new(client(), "g".to_owned(), Mode::Tcc, model::Options::default());
        for _ in 0..BRANCHES_MAX {
            top.begin_branch().unwrap();
        }
        assert!(matches!(top.begin_branch(), Err(Error::Invalid { field: "branch", .. })));
        for parent in ["", "01020304050607080910"] {
            let error = Scope::nested(client(), "g".to_owned(), Mode::Tcc, parent.to_owned()).unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "branch_id", .. }), "{error}");
        }
        assert!(Scope::nested(client(), String::new(), Mode::Tcc, "01".to_owned()).is_err());
    }
}
