//! What the clients share: the server, whether it is up, whether it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::ledger::Ledger;
use crate::harness::{Branches, Client, PATIENCE, View};

pub(super) struct World {
    client: Client,
    pub(super) branches: Branches,
    pub(super) ledger: Arc<Ledger>,
    up: watch::Sender<bool>,
    over: AtomicBool,
    acknowledged: watch::Sender<usize>,
}

/// Nobody knows whether the request arrived: the server died.
#[derive(Debug)]
pub(super) struct Unknown;

impl World {
    pub(super) fn new(client: Client, branches: Branches, ledger: Arc<Ledger>) -> Self {
        Self {
            client,
            branches,
            ledger,
            up: watch::Sender::new(true),
            over: AtomicBool::new(false),
            acknowledged: watch::Sender::new(0),
        }
    }

    /// Counts a transaction that the server has acknowledged.
    pub(super) fn has_acknowledged(&self) {
        self.acknowledged.send_modify(|count| *count += 1);
    }

    pub(super) fn acknowledged(&self) -> usize {
        *self.acknowledged.borrow()
    }

    /// Waits until so many transactions have been acknowledged since the beginning.
    pub(super) async fn has_load(&self, count: usize) {
        let mut acknowledged = self.acknowledged.subscribe();
        let enough = acknowledged.wait_for(|acknowledged| *acknowledged >= count);
        let waited = tokio::time::timeout(2 * PATIENCE, enough).await;
        waited.expect("the clients get on between two kills").expect("the world outlives its clients");
    }

    pub(super) fn goes_down(&self) {
        self.up.send_replace(false);
    }

    pub(super) fn is_up(&self) {
        self.up.send_replace(true);
    }

    pub(super) fn is_over(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(super) fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Sends a request once. What was done before an earlier death of the server counts as done.
    pub(super) async fn once(&self, verb: &str, body: &Value) -> Result<(), Unknown> {
        let Ok(answer) = self.client.try_post(verb, body).await else {
            self.wait_until_up().await;
            return Err(Unknown);
        };
        let done_before = answer.status == 409
            && ["cannot sumbmit", "cannot abort", "cannot prepare"].iter().any(|it| answer.body.contains(it));
        assert!(answer.status == 200 || done_before, "{verb} {body}: {answer:?}");
        Ok(())
    }

    /// Sends a request until it is answered.
    pub(super) async fn until_acknowledged(&self, verb: &str, body: &Value) {
        let begun = Instant::now();
        while self.once(verb, body).await.is_err() {
            assert!(begun.elapsed() < 2 * PATIENCE, "{verb} {body} is not answered");
        }
    }

    /// Asks until the transaction has ended. From the answer on, nothing may be called for it.
    pub(super) async fn end_of(&self, gid: &str) -> View {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            match self.client.try_query(gid).await {
                Ok(view) if view.has_ended() => {
                    self.ledger.has_ended(gid);
                    return view;
                }
                Ok(view) => {
                    assert!(view.exists(), "{gid} was acknowledged and is forgotten");
                    assert!(begun.elapsed() < 3 * PATIENCE, "{gid} does not end: {view:?}");
                }
                Err(_) => self.wait_until_up().await,
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// What the server shows, as soon as there is one.
    pub(super) async fn query(&self, gid: &str) -> View {
        loop {
            match self.client.try_query(gid).await {
                Ok(view) => return view,
                Err(_) => self.wait_until_up().await,
            }
        }
    }

    async fn wait_until_up(&self) {
        // The death is noticed here a little before the test says so.
        sleep(Duration::from_millis(5)).await;
        self.up.subscribe().wait_for(|up| *up).await.expect("the world outlives its clients");
    }
}
