//! What one client wants of one transaction.

use std::collections::HashMap;

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::ledger::Entry;
use super::world::World;
use crate::harness::With;

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) gid: String,
    kind: Kind,
    /// The number of branches.
    branches: usize,
    /// The position of the step that refuses.
    refuses: Option<usize>,
    /// Whether every request was answered; otherwise the client gave up when the server died.
    pub(crate) acknowledged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Saga { concurrent: bool },
    Tcc { submits: bool },
    Message,
}

impl Plan {
    pub(crate) fn random(rng: &mut StdRng, gid: &str) -> Self {
        let kind = match rng.random_range(0..10) {
            0..6 => Kind::Saga { concurrent: false },
            6..8 => Kind::Saga { concurrent: true },
            8 => Kind::Tcc { submits: rng.random() },
            _ => Kind::Message,
        };
        let branches = rng.random_range(1..4);
        let may_refuse = matches!(kind, Kind::Saga { .. }) && rng.random_ratio(3, 10);
        let refuses = may_refuse.then(|| rng.random_range(0..branches));
        Self { gid: gid.to_owned(), kind, branches, refuses, acknowledged: false }
    }

    /// Sends its requests, repeats those whose answer is lost or gives up, and waits for the end.
    pub(crate) async fn carry_out(&mut self, world: &World, rng: &mut StdRng) {
        let gives_up = rng.random_ratio(2, 10);
        for (verb, body) in self.requests(world) {
            if gives_up {
                if world.once(verb, &body).await.is_err() {
                    return;
                }
            } else {
                world.until_acknowledged(verb, &body).await;
            }
        }
        self.acknowledged = true;
        world.has_acknowledged();
        world.end_of(&self.gid).await;
        self.verify(world).await;
    }

    fn requests(&self, world: &World) -> Vec<(&'static str, Value)> {
        let url =
            |position: usize| world.url(if self.refuses == Some(position) { "/refuses" } else { "/branch" });
        let base = json!({"gid": self.gid, "retry_interval": 1, "request_timeout": 10, "timeout_to_fail": 0});
        let steps = || -> Value {
            let step = |position| json!({"action": url(position), "compensate": url(position)});
            (0..self.branches).map(step).collect()
        };
        let payloads = vec!["{}"; self.branches];
        // Longer than a client is held up: none of these is meant to be overtaken by its time-out.
        let patient = base.clone().with("timeout_to_fail", 300);
        match self.kind {
            Kind::Saga { concurrent } => {
                let body = base.with("trans_type", "saga").with("steps", steps()).with("payloads", payloads);
                let custom = if concurrent { r#"{"concurrent":true,"orders":{"1":[0]}}"# } else { "" };
                let fits = self.branches > 1;
                vec![("submit", if fits { body.with("custom_data", custom) } else { body })]
            }
            Kind::Message => {
                let body =
                    patient.with("trans_type", "msg").with("steps", steps()).with("payloads", payloads);
                let body = body.with("query_prepared", world.url("/branch"));
                vec![("prepare", body.clone()), ("submit", body)]
            }
            Kind::Tcc { submits } => {
                let body = patient.with("trans_type", "tcc");
                let mut requests = vec![("prepare", body.clone())];
                requests.extend((0..self.branches).map(|position| {
                    let register = json!({
                        "gid": self.gid, "trans_type": "tcc", "branch_id": format!("{:02}", position + 1),
                        "data": "{}", "confirm": url(position), "cancel": url(position),
                    });
                    ("registerBranch", register)
                }));
                requests.push((if submits { "submit" } else { "abort" }, body));
                requests
            }
        }
    }

    /// Status and effects have to fit what was wanted.
    pub(crate) async fn verify(&self, world: &World) {
        let view = world.query(&self.gid).await;
        let entries = world.ledger.entries(&self.gid);
        if !self.acknowledged {
            return self.verify_given_up(world, view.exists(), &entries).await;
        }
        let succeeds = match self.kind {
            Kind::Saga { .. } => self.refuses.is_none(),
            Kind::Tcc { submits } => submits,
            Kind::Message => true,
        };
        let expected = if succeeds { "succeed" } else { "failed" };
        assert_eq!(view.status(), expected, "{self:?}: {view:?}\n{entries:?}");
        self.verify_effects(succeeds, &entries);
    }

    /// A request that was not answered may have been stored or not. If it was, it comes to an end as well.
    async fn verify_given_up(&self, world: &World, exists: bool, entries: &HashMap<String, Entry>) {
        if !exists {
            assert!(entries.is_empty(), "{self:?} is not stored, and was called: {entries:?}");
            return;
        }
        if !self.may_wait_for_its_client() {
            let view = world.end_of(&self.gid).await;
            self.verify_effects(view.status() == "succeed", &world.ledger.entries(&self.gid));
        }
    }

    /// A tcc or message whose client went away: nobody has promised anything before its time-out.
    pub(crate) fn may_wait_for_its_client(&self) -> bool {
        !self.acknowledged && !matches!(self.kind, Kind::Saga { .. })
    }

    fn verify_effects(&self, succeeded: bool, entries: &HashMap<String, Entry>) {
        if succeeded {
            assert_eq!(entries.len(), self.branches, "{self:?}: {entries:?}");
        }
        let tcc = matches!(self.kind, Kind::Tcc { .. });
        for (id, entry) in entries {
            if succeeded {
                let once = (entry.applied, entry.undone, entry.backward) == (1, 0, 0);
                assert!(once && entry.forward >= 1, "{self:?} {id}: {entry:?}");
            } else {
                assert_eq!(entry.applied, entry.undone, "{self:?} {id} has an effect: {entry:?}");
                assert!(entry.backward >= 1, "{self:?} {id} was not undone: {entry:?}");
                assert!(!tcc || entry.forward == 0, "{self:?} {id}: {entry:?}");
            }
        }
    }
}
