//! Where the clients are: the servers, the branch service's books, and what is known so far.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::evidence::Evidence;
use crate::harness::{Client, View};
use crate::kill::world::World;

/// After the faults every transaction has to end within this time (invariant I8).
pub(super) const PEACE: Duration = Duration::from_secs(120);

/// How long a client waits for an answer.
const LIMIT: Duration = Duration::from_secs(3);

pub(super) struct Field {
    pub(super) servers: Vec<Client>,
    pub(super) world: World,
    pub(super) evidence: Arc<Evidence>,
}

/// What a client was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It is done, and durable. With a status when the client was told one.
    Done(Option<String>),
    /// It is refused.
    Refused,
    /// Nobody knows.
    Unknown,
}

impl Field {
    /// Sends a request to a server once.
    pub(super) async fn ask(&self, server: usize, verb: &str, body: &Value) -> Said {
        let gid = body["gid"].as_str().expect("a request has a gid");
        let said = match timeout(LIMIT, self.servers[server].try_post(verb, body)).await {
            Err(_) | Ok(Err(_)) => Said::Unknown,
            Ok(Ok(answer)) => {
                let told = serde_json::from_str::<Value>(&answer.body).unwrap_or(Value::Null);
                let told = told["status"].as_str().map(str::to_owned);
                let refused = answer.status == 409 && !answer.body.contains("try again");
                match answer.status {
                    200 => Said::Done(told),
                    _ if told.is_some() => Said::Done(told),
                    _ if refused => Said::Refused,
                    _ => Said::Unknown,
                }
            }
        };
        self.evidence.said(gid, &format!("server {server} answers {verb} with {said:?}"));
        if let (Said::Done(_), "forceStop") = (&said, verb) {
            self.evidence.is_stopped(gid);
        }
        said
    }

    /// Sends a request to one server after the other until it is done or refused; `None` when the run is over before.
    pub(super) async fn until_answered(&self, verb: &str, body: &Value, luck: usize) -> Option<Said> {
        for turn in 0.. {
            match self.ask((luck + turn) % self.servers.len(), verb, body).await {
                Said::Unknown if self.world.over() && turn > 20 => return None,
                Said::Unknown => sleep(Duration::from_millis(100)).await,
                said => return Some(said),
            }
        }
        None
    }

    /// What a server shows; `None` when it does not answer.
    pub(super) async fn look(&self, gid: &str, server: usize) -> Option<View> {
        let asked = Instant::now();
        let view = timeout(LIMIT, self.servers[server].try_query(gid)).await.ok()?.ok()??;
        self.evidence.shown(gid, &server.to_string(), asked, &view);
        Some(view)
    }

    /// Looks at all servers in turn until the transaction has ended.
    pub(super) async fn end_of(&self, gid: &str, luck: usize) -> View {
        let mut pause = Duration::from_millis(10);
        let mut turn = luck;
        loop {
            turn += 1;
            if let Some(view) = self.look(gid, turn % self.servers.len()).await
                && view.has_ended()
            {
                return view;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(300));
        }
    }

    /// Looks at it through every server.
    pub(super) async fn look_everywhere(&self, gid: &str) {
        for server in 0..self.servers.len() {
            self.look(gid, server).await;
        }
    }

    /// Looks for ever at what has begun lately, and at what ended long ago.
    pub(super) async fn watch(&self) {
        loop {
            let many = if rand::random_ratio(7, 10) { 150 } else { usize::MAX };
            if let Some(gid) = self.evidence.one_of_the_last(many, rand::random_range(0..usize::MAX)) {
                self.look(&gid, rand::random_range(0..self.servers.len())).await;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}
