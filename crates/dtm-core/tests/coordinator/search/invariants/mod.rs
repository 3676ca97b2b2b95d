//! What must hold, one file each. An invariant looks at one transition: what was seen before, what the
//! coordinator did, what is seen after. It knows nothing about the search, so that a simulation can use it.

use std::collections::BTreeSet;

use dtm_core::coordinator::CallKey;
use dtm_core::model::{Mode, Status, Timestamp};

use super::site::{Phase, Site};
use super::world::Local;

mod compensation_order;
mod failed_is_nothing;
mod final_is_final;
mod message_follows_local;
mod never_stuck;
mod not_twice_at_once;
mod one_direction;
mod succeed_is_everything;

/// What is seen of a world.
#[derive(Debug)]
pub(crate) struct View<'w> {
    pub(crate) mode: Mode,
    pub(crate) status: Status,
    pub(crate) stored_status: Status,
    /// Whether an operator has stopped it, without undoing anything.
    pub(crate) forced: bool,
    pub(crate) sites: &'w [Site],
    /// `later[i]`: the sites that go forward only after site `i`.
    pub(crate) later: &'w [Vec<usize>],
    pub(crate) calls: &'w BTreeSet<CallKey>,
    pub(crate) wake: Option<Timestamp>,
    pub(crate) local: Local,
}

/// What the coordinator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// It called. `place`: which branch, to do what; `None` for back-checks and workflow call-backs.
    Called { place: Option<(usize, Phase)>, already_out: bool },
}

pub(crate) type Invariant = fn(&View<'_>, &[Fact], &View<'_>) -> Result<(), String>;

/// All of them, with their names.
pub(crate) const ALL: [(&str, Invariant); 8] = [
    ("I2 final is final", final_is_final::holds),
    ("I3 succeed is everything", succeed_is_everything::holds),
    ("I4 failed is nothing", failed_is_nothing::holds),
    ("I5 compensation order", compensation_order::holds),
    ("I6 one direction", one_direction::holds),
    ("I7 message follows local", message_follows_local::holds),
    ("I8 never stuck", never_stuck::holds),
    ("not twice at once", not_twice_at_once::holds),
];
