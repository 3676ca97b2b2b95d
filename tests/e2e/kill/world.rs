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
    /// Where the branch service is.
    root: String,
    /// Told of everything that a server has shown.
    seen: Option<Box<Seen>>,
    pub(crate) ledger: Arc<Ledger>,
    up: watch::Sender<bool>,
    over: AtomicBool,
    acknowledged: watch::Sender<usize>,
}

/// A gid, when the server was asked, and what it has shown.
pub(crate) type Seen = dyn Fn(&str, Instant, &View) + Send + Sync;

/// Nobody knows whether the request arrived: the server died, or is in trouble.
#[derive(Debug)]
pub(crate) struct Unknown(String);

impl World {
    pub(crate) fn new(client: Client, branches: &Branches, ledger: Arc<Ledger>) -> Self {
        Self {
            servers: vec![client],
            troubled: false,
            root: branches.url(""),
            seen: None,
            ledger,
            up: watch::Sender::new(true),
            over: AtomicBool::new(false),
            acknowledged: watch::Sender::new(0),
        }
    }

    /// Several servers, whose database and network fail too: each request goes to any of them, and may be refused.
    pub(crate) fn troubled(
        servers: Vec<Client>,
        root: &str,
        ledger: Arc<Ledger>,
        seen: impl Fn(&str, Instant, &View) + Send + Sync + 'static,
    ) -> Self {
        Self {
            servers,
            troubled: true,
            root: root.to_owned(),
            seen: Some(Box::new(seen)),
            ledger,
            up: watch::Sender::new(true),
            over: AtomicBool::new(false),
            acknowledged: watch::Sender::new(0),
        }
    }

    /// A URL of the branch service.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    fn server(&self) -> &Client {
        &self.servers[rand::random_range(0..self.servers.len())]
    }

    /// How long a request may stay without an answer, and a transaction without its end. Where everything fails again and
    /// again only the end of that is a beginning, so whoever troubles this world looks at the clock.
    fn patience(&self) -> Duration {
        PATIENCE * if self.troubled { 60 } else { 3 }
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
        let answer = match self.server().try_post(verb, body).await {
            Ok(answer) => answer,
            Err(error) => {
                self.wait_until_up().await;
                return Err(Unknown(error.to_string()));
            }
        };
        let done_before = answer.status == 409
            && ["cannot sumbmit", "cannot abort", "cannot prepare"].iter().any(|it| answer.body.contains(it));
        let done = answer.status == 200 || done_before;
        assert!(done || self.troubled, "{verb} {body}: {answer:?}");
        if !done {
            sleep(Duration::from_millis(50)).await;
            return Err(Unknown(format!("{answer:?}")));
        }
        Ok(())
    }

    /// Sends a request until it is answered.
    pub(crate) async fn until_acknowledged(&self, verb: &str, body: &Value) {
        let begun = Instant::now();
        while let Err(Unknown(last)) = self.once(verb, body).await {
            assert!(
                begun.elapsed() < self.patience(),
                "{verb} {body} is not answered; the last time: {last}"
            );
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
                    assert!(begun.elapsed() < self.patience(), "{gid} does not end: {view:?}");
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
        let asked = Instant::now();
        let unknown = || Unknown(format!("{gid} is not shown"));
        let view = self.server().try_query(gid).await.ok().flatten().ok_or_else(unknown)?;
        if let Some(seen) = &self.seen {
            seen(gid, asked, &view);
        }
        Ok(view)
    }

    async fn wait_until_up(&self) {
        // The death is noticed here a little before the test says so.
        sleep(Duration::from_millis(if self.troubled { 50 } else { 5 })).await;
        self.up.subscribe().wait_for(|up| *up).await.expect("the world outlives its clients");
    }
}
