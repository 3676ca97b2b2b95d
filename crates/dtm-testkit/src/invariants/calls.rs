//! Which calls may be made at all: none before the creation is durable, none by the server that has made the
//! end durable, and never the same call twice at the same time by one server.

use std::collections::BTreeMap;

use dtm_core::coordinator::CallKey;
use dtm_core::model::Gid;
use dtm_store::OwnerToken;

use super::{Event, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    observed.transactions().flat_map(|(gid, events)| of_one(gid, events)).collect()
}

fn of_one(gid: &Gid, events: &[&Event]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut created = false;
    let mut ended_by: Option<String> = None;
    let mut out: BTreeMap<u64, (&str, CallKey)> = BTreeMap::new();
    for event in events {
        match event {
            Event::Created { .. } => created = true,
            Event::Committed { status, owner, .. } if status.is_final() => {
                ended_by = Some(server(&owner.token));
            }
            Event::Called { id, caller, key, .. } => {
                if !created {
                    violations.push(Violation::new(
                        "write before call",
                        gid,
                        format!("call {id} came first"),
                    ));
                }
                if ended_by.as_ref() == Some(caller) {
                    let what = format!("call {id} was made after the end was durable");
                    violations.push(Violation::new("nothing after the end", gid, what));
                }
                if out.values().any(|other| *other == (caller.as_str(), *key)) {
                    let what = format!("call {id} of {caller} is already out");
                    violations.push(Violation::new("one driver", gid, what));
                }
                out.insert(*id, (caller, *key));
            }
            Event::CallEnded { id, .. } => {
                out.remove(id);
            }
            _ => {}
        }
    }
    violations
}

fn server(token: &OwnerToken) -> String {
    format!("{}:{}", token.node.as_str(), token.epoch.0)
}
