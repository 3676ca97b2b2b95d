//! I11: a write with an old owner token changes nothing.

use super::{Event, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (gid, events) in observed.transactions() {
        let mut owner = None;
        for event in events {
            match event {
                Event::Created { owner: first, .. } => owner = Some(&first.token),
                Event::Claimed { owner: next, .. } => owner = Some(&next.token),
                Event::Committed { expected, owner: next, .. } => {
                    if owner.is_some_and(|owner| owner != expected) {
                        let what = format!("a write under {expected} took effect after a later owner came");
                        violations.push(Violation::new("I11", gid, what));
                    }
                    owner = Some(&next.token);
                }
                _ => {}
            }
        }
    }
    violations
}
