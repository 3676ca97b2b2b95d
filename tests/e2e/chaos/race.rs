//! A transaction whose end is open until it is there: its branches decide by chance, time runs out, and submits, aborts,
//! forced stops and resets race with each other at different servers.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::field::{Field, Said};
use crate::harness::With;
use crate::kill::ledger::Entry;

#[derive(Debug, Clone)]
pub(super) struct Race {
    pub(super) gid: String,
    kind: Kind,
    branches: usize,
    body: Value,
    /// What was sent, and what came back.
    answers: Vec<(&'static str, Said)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Saga,
    Tcc,
    Message,
}

/// One request of a race.
struct Move {
    after: Duration,
    server: usize,
    verb: &'static str,
    body: Value,
}

impl Race {
    pub(super) fn random(rng: &mut StdRng, gid: &str, field: &Field) -> Self {
        let kind =
            [Kind::Saga, Kind::Saga, Kind::Saga, Kind::Tcc, Kind::Tcc, Kind::Message][rng.random_range(0..6)];
        let branches = rng.random_range(1..5);
        let path = field.world.url(if kind == Kind::Saga { "/open" } else { "/slow" });
        let step = json!({"action": path, "compensate": path});
        let mut body = json!({
            "gid": gid, "trans_type": kind.name(), "retry_interval": 1,
            "request_timeout": if rng.random() { 2 } else { 10 },
            "timeout_to_fail": rng.random_range(1..6),
            "wait_result": rng.random_ratio(1, 5),
        });
        if kind == Kind::Saga && rng.random_ratio(1, 3) {
            body = body.with("timeout_to_fail", 0);
        }
        if kind != Kind::Tcc {
            body = body.with("steps", vec![step; branches]).with("payloads", vec!["{}"; branches]);
            body = body.with("query_prepared", field.world.url("/query"));
        }
        if kind == Kind::Saga && rng.random() {
            let orders = if branches > 1 { r#"{"1":[0]}"# } else { "{}" };
            body = body.with("custom_data", format!(r#"{{"concurrent":true,"orders":{orders}}}"#));
        }
        Self { gid: gid.to_owned(), kind, branches, body, answers: Vec::new() }
    }

    /// Sends everything, and waits for the end. `false`: the run was over before the transaction had begun.
    pub(super) async fn carry_out(&mut self, field: &Field, rng: &mut StdRng) -> bool {
        let first = if self.kind == Kind::Saga { "submit" } else { "prepare" };
        let mut opening = vec![(first, self.body.clone())];
        if self.kind == Kind::Tcc {
            opening.extend(
                (0..self.branches).map(|number| ("registerBranch", self.registration(number, field))),
            );
        }
        for (verb, body) in opening {
            match field.until_answered(verb, &body, rng.random_range(0..3)).await {
                None => return false,
                // Its time may have run out before all branches were registered.
                Some(Said::Refused) if verb == "registerBranch" => self.branches -= 1,
                Some(said) => self.answers.push((verb, said)),
            }
            field.evidence.is_acknowledged(&self.gid);
        }
        let moves = self.moves(field, rng).into_iter().map(async |it| {
            sleep(it.after).await;
            (it.verb, field.ask(it.server, it.verb, &it.body).await)
        });
        self.answers.extend(join_all(moves).await);
        field.end_of(&self.gid, rng.random_range(0..3)).await;
        field.look_everywhere(&self.gid).await;
        self.verify(field).await;
        true
    }

    fn registration(&self, number: usize, field: &Field) -> Value {
        let url = field.world.url("/slow");
        json!({
            "gid": self.gid, "trans_type": "tcc", "branch_id": format!("{:02}", number + 1),
            "data": "{}", "confirm": url, "cancel": url,
        })
    }

    fn moves(&self, field: &Field, rng: &mut StdRng) -> Vec<Move> {
        let gid = json!({"gid": self.gid});
        let mut verbs = vec![];
        let mut add = |rng: &mut StdRng, verb, percent: u32, most: usize| {
            for _ in 0..most {
                verbs.extend(rng.random_ratio(percent, 100).then_some(verb));
            }
        };
        add(rng, "resetNextCronTime", 30, 4);
        add(rng, "forceStop", 8, 1);
        match self.kind {
            Kind::Saga => add(rng, "submit", 25, 2),
            Kind::Tcc => {
                add(rng, "submit", 50, 2);
                add(rng, "abort", 30, 2);
            }
            Kind::Message if field.world.ledger.has_committed(&self.gid) => add(rng, "submit", 50, 2),
            Kind::Message => add(rng, "abort", 50, 2),
        }
        let place = |verb| Move {
            after: Duration::from_millis(soon_or_late(rng)),
            server: rng.random_range(0..field.servers.len()),
            verb,
            body: if matches!(verb, "submit" | "abort") { self.body.clone() } else { gid.clone() },
        };
        verbs.into_iter().map(place).collect()
    }

    fn said(&self, verb: &str) -> impl Iterator<Item = &Said> {
        self.answers.iter().filter(move |(sent, _)| *sent == verb).map(|(_, said)| said)
    }

    /// The end, what everybody was told, and the effects have to fit one another.
    pub(super) async fn verify(&self, field: &Field) {
        let view = field.end_of(&self.gid, 0).await;
        let entries = field.world.ledger.entries(&self.gid);
        let status = view.status();
        let done = |verb| self.said(verb).any(|said| matches!(said, Said::Done(_)));
        let stopped = done("forceStop") || self.said("forceStop").any(|said| *said == Said::Unknown);
        for (verb, said) in &self.answers {
            if let Said::Done(Some(told)) = said
                && matches!(told.as_str(), "succeed" | "failed")
            {
                assert_eq!(told, status, "{verb} was told another end: {self:?}");
            }
        }
        if done("abort") || done("forceStop") {
            assert_eq!(status, "failed", "an acknowledged end is gone: {self:?}");
        }
        if done("submit") && self.kind != Kind::Saga && !stopped {
            assert_eq!(status, "succeed", "an acknowledged submit is gone: {self:?}");
        }
        if self.kind == Kind::Message {
            let called = entries.values().any(|entry| entry.forward > 0);
            assert!(!called || field.world.ledger.has_committed(&self.gid), "{self:?} was never committed");
        }
        if status == "succeed" || !stopped {
            self.verify_effects(status == "succeed", &entries);
        }
    }

    fn verify_effects(&self, succeeded: bool, entries: &HashMap<String, Entry>) {
        if succeeded {
            assert_eq!(entries.len(), self.branches, "{self:?}: {entries:?}");
        }
        for (id, entry) in entries {
            if succeeded {
                let once = (entry.applied, entry.undone, entry.backward) == (1, 0, 0);
                assert!(once && entry.forward >= 1, "{self:?} {id}: {entry:?}");
            } else {
                assert_eq!(entry.applied, entry.undone, "{self:?} {id} has an effect: {entry:?}");
                assert!(self.kind == Kind::Saga || entry.forward == 0, "{self:?} {id}: {entry:?}");
                assert!(entry.backward >= 1, "{self:?} {id} was not undone: {entry:?}");
            }
        }
    }
}

/// Milliseconds: at once, or while the transaction is at it.
fn soon_or_late(rng: &mut StdRng) -> u64 {
    let span = if rng.random() { 0..30 } else { 0..3_000 };
    rng.random_range(span)
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Saga => "saga",
            Self::Tcc => "tcc",
            Self::Message => "msg",
        }
    }
}
