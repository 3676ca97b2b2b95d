//! How the branches of the workload misbehave.

use std::collections::VecDeque;

use dtm_core::model::{BranchId, Op};
use dtm_testkit::services::{Flaw, Script};

use crate::chance::Chance;
use crate::client::Client;

/// Which answers of a branch are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It may say "failure" for good.
    MayRefuse,
    /// Its "failure" only means "not now".
    MustDoIt,
}

/// Chooses how `op` of a branch behaves.
pub(super) fn play(client: &mut Client, branch_id: &BranchId, op: Op, kind: Kind) {
    let chance = &mut client.chance;
    let count = if chance.percent(40) { chance.size(1, 3) } else { 0 };
    let flaws: VecDeque<Flaw> = (0..count).map(|_| flaw(chance, kind)).collect();
    let refuses = kind == Kind::MayRefuse && chance.percent(12);
    client.world.branches.play(&client.gid, branch_id, op, Script { flaws, refuses });
}

fn flaw(chance: &mut Chance, kind: Kind) -> Flaw {
    let span = chance.millis(1, 9_000);
    match chance.between(0, 10) {
        0 => Flaw::Ongoing,
        1 => Flaw::ErrorBefore,
        2 => Flaw::ErrorAfter,
        3 => Flaw::LostRequest,
        4 | 5 => Flaw::LostAnswer,
        6 => Flaw::Late(span),
        7 => Flaw::Twice(span),
        8 => Flaw::Slow(span / 5),
        9 if kind == Kind::MustDoIt => Flaw::Reluctant,
        _ => Flaw::NotSent,
    }
}
