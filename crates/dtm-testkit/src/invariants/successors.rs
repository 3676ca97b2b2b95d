//! A server whose name a later start has taken stops: soon afterwards it calls nobody any more.

use std::time::Duration;

use dtm_store::{Epoch, NodeName};

use super::{Entry, Event, Observed, Violation};

/// Enough for a few heartbeats, and for a server that stands still meanwhile.
const SOON: Duration = Duration::from_secs(30);

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for Entry { at, event } in observed.entries() {
        let Event::Called { id, caller, gid, .. } = event else { continue };
        let successor = observed.entries().iter().find_map(|entry| match &entry.event {
            Event::Joined { node, epoch } if is_later(caller, node, *epoch) => Some(entry.at),
            _ => None,
        });
        if successor.is_some_and(|joined| at.since(joined) > SOON) {
            let what = format!("call {id} of {caller}, whose successor had come long before");
            violations.push(Violation::new("successors", gid, what));
        }
    }
    violations
}

fn is_later(caller: &str, node: &NodeName, epoch: Epoch) -> bool {
    let Some((name, number)) = caller.rsplit_once(':') else { return false };
    name == node.as_str() && number.parse().is_ok_and(|number: u64| number < epoch.0)
}
