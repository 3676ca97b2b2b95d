//! What the clients share: the server, whether it is up, whether it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::ledger::Ledger;
use crate::harness::{Branches, Client, PATIENCE, View};

pub(crate) struct World {
    servers: Vec<Client>,
    /// Whether any request may fail for a while, not only because the server is dead.
    troubled: bool,
    pub(crate) branches: Branches,
    pub(crate) ledger: Arc<Ledger>,
    up: watch::Sender<bool>,
    over: AtomicBool,
    acknowledged: watch::Sender<usize>,
}

/// Nobody knows whether the request arrived: the server died, or is in trouble.
#[derive(Debug)]
pub(crate) struct Unknown;

impl World {
    pub(crate) fn new(client: Client, branches: Branches, ledger: Arc<Ledger>) -> Self {
        Self {
            servers: vec![client],
            troubled: false,
            branches,
            ledger,
            up: watch::Sender::new(true),
            over: AtomicBool::new(false),
            acknowledged: watch::Sender::new(0),
        }
    }

    /// Several servers, whose database and network fail too: each request goes to any of them, and may be refused.
    pub(crate) fn troubled(servers: Vec<Client>, branches: Branches, ledger: Arc<Ledger>) -> Self {
        let first = servers.first().expect("there is a server").clone();
        Self { servers, troubled: true, ..Self::new(first, branches, ledger) }
    }

    fn server(&self) -> &Client {
        &self.servers[rand::random_range(0..self.servers.len())]
    }

    /// Counts a transaction that the server has acknowledged.
    pub(crate) fn has_acknowledged(&self) {
        self.acknowledged.send_modify(|count| *count += 1);
    }

    pub(crate) fn acknowledged(&self) -> usize {
        *self.acknowledged.borrow()
    }

    /// Waits until so many transactions have been acknowledged since the beginning.
    pub(crate) async fn has_load(&self, count: usize) {
        let mut acknowledged = self.acknowledged.subscribe();
        let enough = acknowledged.wait_for(|acknowledged| *acknowledged >= count);
        let waited = tokio::time::timeout(2 * PATIENCE, enough).await;
        waited.expect("the clients get on between two kills").expect("the world outlives its clients");
    }

    pub(crate) fn goes_down(&self) {
        self.up.send_replace(false);
    }

    pub(crate) fn is_up(&self) {
        self.up.send_replace(true);
    }

    pub(crate) fn is_over(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(crate) fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Sends a request once. What was done before an earlier death of the server counts as done.
    pub(crate) async fn once(&self, verb: &str, body: &Value) -> Result<(), Unknown> {
        let Ok(answer) = self.server().try_post(verb, body).await else {
            self.wait_until_up().await;
            return Err(Unknown);
        };
        let done_before = answer.status == 409
            && ["cannot sumbmit", "cannot abort", "cannot prepare"].iter().any(|it| answer.body.contains(it));
        let done = answer.status == 200 || done_before;
        assert!(done || self.troubled, "{verb} {body}: {answer:?}");
        if !done {
            sleep(Duration::from_millis(50)).await;
            return Err(Unknown);
        }
        Ok(())
    }

    /// Sends a request until it is answered.
    pub(crate) async fn until_acknowledged(&self, verb: &str, body: &Value) {
        let begun = Instant::now();
        while self.once(verb, body).await.is_err() {
            assert!(begun.elapsed() < 2 * PATIENCE, "{verb} {body} is not answered");
        }
    }

    /// Asks until the transaction has ended. From the answer on, nothing may be called for it.
    pub(crate) async fn end_of(&self, gid: &str) -> View {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            match self.try_query(gid).await {
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
    pub(crate) async fn query(&self, gid: &str) -> View {
        loop {
            match self.try_query(gid).await {
                Ok(view) => return view,
                Err(_) => self.wait_until_up().await,
            }
        }
    }

    async fn try_query(&self, gid: &str) -> Result<View, Unknown> {
        self.server().try_query(gid).await.ok().flatten().ok_or(Unknown)
    }

    async fn wait_until_up(&self) {
        // The death is noticed here a little before the test says so.
        sleep(Duration::from_millis(if self.troubled { 50 } else { 5 })).await;
        self.up.subscribe().wait_for(|up| *up).await.expect("the world outlives its clients");
    }
}
