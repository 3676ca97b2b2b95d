//! I2: a terminal status never changes, wherever it was seen: in a durable write, by a client, at the end.

use super::{Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (gid, _) in observed.transactions() {
        let last = observed.at_the_end(gid).map(|stored| stored.status());
        let mut end = None;
        for status in observed.statuses(gid).into_iter().chain(last) {
            match end {
                Some(end) if end != status => {
                    violations.push(Violation::new("I2", gid, format!("it was {end}, then {status}")));
                    break;
                }
                Some(_) => {}
                None => end = status.is_final().then_some(status),
            }
        }
    }
    violations
}
