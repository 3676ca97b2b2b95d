//! Branches in this very process: URLs of the scheme `local`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use dtm_core::model::{Outcome, truncate};

use super::contract::{Attempt, Contact};
use super::local_call::LocalCall;
use super::target::UrlError;

/// What stands before the name of a branch in this process.
const SCHEME: &str = "local:";
/// How much of a name an error repeats, in bytes.
const NAME_SHOWN: usize = 128;
/// How many of the registered names an error lists.
const NAMES_SHOWN: usize = 20;

/// Runs one branch.
pub(crate) type LocalBranch = Arc<dyn Fn(LocalCall) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// The branches that live in this process, by their names. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct LocalBranches {
    by_name: Arc<BTreeMap<String, LocalBranch>>,
    ended: CancellationToken,
}

/// The URL of the branch of this name in this process.
pub(crate) fn local_url(name: &str) -> String {
    format!("{SCHEME}{name}")
}

/// The name in a URL of a branch in this process. It begins with a letter, so that `local:36790/package.Service/Method`
/// stays what it always was: a gRPC method on a host that is called `local`.
pub(crate) fn local_name(url: &str) -> Option<&str> {
    url.strip_prefix(SCHEME).filter(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()))
}

impl LocalBranches {
    pub(crate) fn new(by_name: BTreeMap<String, LocalBranch>) -> Self {
        Self { by_name: Arc::new(by_name), ended: CancellationToken::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Ends what still runs, each at its next await.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Checks that there is such a branch now, so that nothing is stored that could never be called.
    pub(crate) fn check(&self, name: &str) -> Result<(), UrlError> {
        if self.by_name.contains_key(name) {
            return Ok(());
        }
        let mut registered: Vec<&str> = self.by_name.keys().take(NAMES_SHOWN).map(String::as_str).collect();
        if self.by_name.len() > NAMES_SHOWN {
            registered.push("...");
        }
        Err(UrlError::NoLocalBranch {
            name: truncate(name, NAME_SHOWN).to_owned(),
            registered: if registered.is_empty() { "none".to_owned() } else { registered.join(", ") },
        })
    }

    /// Runs the branch in a task of its own: one that panics, or keeps its thread busy, does so beside its caller. When
    /// the time is over, or the caller has lost the transaction, the task ends at its next await, as it would in a
    /// crash, and nobody knows whether it took effect.
    pub(crate) async fn attempt(&self, name: &str, call: LocalCall, limit: Duration) -> Attempt {
        let Some(branch) = self.by_name.get(name) else { return not_registered(name, &call) };
        let (branch, own) = (Arc::clone(branch), call.clone());
        let mut running = AbortOnDropHandle::new(tokio::spawn(async move { branch(own).await }));
        let unknown = |cause: String, contact| Attempt { outcome: Outcome::Unknown { cause }, contact };
        tokio::select! {
            biased;
            ended = &mut running => match ended {
                Ok(outcome) => Attempt { outcome, contact: Contact::Answered },
                Err(error) if error.is_cancelled() => {
                    unknown(format!("{}: the runtime is ending", call.url), Contact::Inconclusive)
                }
                Err(_) => {
                    let LocalCall { gid, branch_id, op, .. } = &call;
                    tracing::error!(%gid, %branch_id, %op, name, "a branch of this process panicked; it is tried again");
                    unknown(format!("{} panicked", call.url), Contact::Answered)
                }
            },
            () = tokio::time::sleep(limit) => {
                unknown(format!("{}: not done within {} s", call.url, limit.as_secs_f64()), Contact::TimedOut)
            }
            () = self.ended.cancelled() => {
                unknown(format!("{}: the coordinator has stopped", call.url), Contact::Inconclusive)
            }
        }
    }
}

impl fmt::Debug for LocalBranches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

/// A program of another version may have stored it, so this is no failure: nothing was called, and the next version may
/// know the name.
fn not_registered(name: &str, call: &LocalCall) -> Attempt {
    let LocalCall { gid, branch_id, op, .. } = call;
    tracing::warn!(
        %gid,
        %branch_id,
        %op,
        name = truncate(name, NAME_SHOWN),
        "a stored transaction needs a branch that this program has not registered: it waits, and is tried again; register \
         the name in every program that shares the store"
    );
    let cause = format!(
        "no branch is registered as '{}' in the program that drives the transaction",
        truncate(name, NAME_SHOWN)
    );
    Attempt { outcome: Outcome::NotSent { cause }, contact: Contact::Inconclusive }
}
