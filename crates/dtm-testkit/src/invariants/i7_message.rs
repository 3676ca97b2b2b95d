//! I7: the branches of a message run if, and only if, the local transaction committed.

use dtm_core::model::{Mode, Op, Status};

use super::{Did, Event, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for stored in observed.stored().filter(|stored| stored.mode() == Mode::Message) {
        let gid = stored.gid();
        let local = observed.events(gid).iter().find_map(|event| match event {
            Event::Local { committed, .. } => Some(*committed),
            _ => None,
        });
        let ran = observed.effects(gid).any(|(_, op, did)| op == Op::Action && did == Did::Applied);
        match (local, stored.status()) {
            (Some(false), _) if ran => {
                violations.push(Violation::new("I7", gid, "rolled back locally, but its branches ran"));
            }
            (Some(true), Status::Failed) if !observed.may_be_force_stopped(gid) => {
                violations.push(Violation::new("I7", gid, "committed locally, but it failed"));
            }
            _ => {}
        }
    }
    violations
}
