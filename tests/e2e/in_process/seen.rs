//! Branches that do what they are told, and what they have seen.

use std::collections::HashMap;
use std::sync::Arc;

use dtm_server::embedded::{BranchContext, BranchError, BranchResult, Done, EmbeddedBuilder, Step, local};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::harness::PATIENCE;

/// What a branch does when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    SayNo,
    Panic,
    Hang,
    Err,
}

/// All branches of an application, by name; a name without a script succeeds. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<State>);

#[derive(Default)]
struct State {
    scripts: Mutex<HashMap<&'static str, Vec<Act>>>,
    calls: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
    dropped: watch::Sender<usize>,
}

/// Counts when a call that hangs is dropped.
struct Hanging(Arc<State>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.dropped.send_modify(|dropped| *dropped += 1);
    }
}

impl Seen {
    /// What the branch does from now on, call by call; then it succeeds.
    pub(super) fn on(&self, name: &'static str, acts: impl IntoIterator<Item = Act>) {
        self.0.scripts.lock().insert(name, acts.into_iter().collect());
    }

    /// Registers branches of these names.
    pub(super) fn register(&self, builder: EmbeddedBuilder, names: &[&'static str]) -> EmbeddedBuilder {
        names.iter().fold(builder, |builder, &name| {
            builder.branch_with(name, self, move |seen: Self, call: BranchContext, count: u32| async move {
                seen.called(name, &call, count).await
            })
        })
    }

    pub(super) async fn called(&self, name: &'static str, call: &BranchContext, count: u32) -> BranchResult {
        self.0.calls.lock().push(format!("{name} {} {} {count}", call.branch_id, call.op));
        self.0.count.send_modify(|count| *count += 1);
        let act =
            self.0.scripts.lock().get_mut(name).filter(|acts| !acts.is_empty()).map(|acts| acts.remove(0));
        match act {
            None => Ok(Done),
            Some(Act::SayNo) => Err(BranchError::roll_back("sold out")),
            Some(Act::Err) => Err(std::io::Error::other("the disk").into()),
            Some(Act::Panic) => panic!("a branch with a defect"),
            Some(Act::Hang) => {
                let _hanging = Hanging(Arc::clone(&self.0));
                std::future::pending().await
            }
        }
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.0.calls.lock().clone()
    }

    /// Waits for the n-th call of any branch.
    pub(super) async fn wait_for(&self, count: usize) {
        self.wait(&self.0.count, count, "calls").await;
    }

    /// Waits until so many calls that hung were dropped.
    pub(super) async fn wait_for_dropped(&self, count: usize) {
        self.wait(&self.0.dropped, count, "dropped calls").await;
    }

    pub(super) fn dropped(&self) -> usize {
        *self.0.dropped.borrow()
    }

    async fn wait(&self, what: &watch::Sender<usize>, count: usize, words: &str) {
        let mut seen = what.subscribe();
        let reached = timeout(PATIENCE, seen.wait_for(|seen| *seen >= count)).await;
        assert!(reached.is_ok(), "waited in vain for {count} {words}; there were {:?}", self.calls());
    }
}

/// A step whose action and compensation are branches of these names; one without a compensation needs none.
pub(super) fn step(action: &str, compensate: &str, count: u32) -> Step {
    let compensate = if compensate.is_empty() { String::new() } else { local(compensate) };
    Step::new(local(action), compensate).payload(&count).unwrap()
}
