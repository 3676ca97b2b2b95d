//! What the invariants look at: the journal of a run and what is stored at its end.

use std::collections::{BTreeMap, BTreeSet};

use dtm_core::model::{BranchId, Gid, Op, Status, Transaction};

use super::{Answer, Ask, Did, Entry, Event};

/// A run that is over: nothing is under way any more.
#[derive(Debug)]
pub struct Observed<'a> {
    entries: &'a [Entry],
    stored: &'a BTreeMap<Gid, Transaction>,
    by_gid: BTreeMap<&'a Gid, Vec<&'a Event>>,
}

impl<'a> Observed<'a> {
    /// A run from its journal and from what is stored at its end.
    #[must_use]
    pub fn new(entries: &'a [Entry], stored: &'a BTreeMap<Gid, Transaction>) -> Self {
        let mut by_gid: BTreeMap<&Gid, Vec<&Event>> = BTreeMap::new();
        for Entry { event, .. } in entries {
            if let Some(gid) = event.gid() {
                by_gid.entry(gid).or_default().push(event);
            }
        }
        Self { entries, stored, by_gid }
    }

    /// Everything that happened.
    #[must_use]
    pub const fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    /// Every transaction that anything happened to, with what happened.
    pub fn transactions(&self) -> impl Iterator<Item = (&'a Gid, &[&'a Event])> {
        self.by_gid.iter().map(|(gid, events)| (*gid, events.as_slice()))
    }

    /// Every transaction that is stored at the end.
    pub fn stored(&self) -> impl Iterator<Item = &'a Transaction> {
        self.stored.values()
    }

    /// What is stored at the end.
    #[must_use]
    pub fn at_the_end(&self, gid: &Gid) -> Option<&'a Transaction> {
        self.stored.get(gid)
    }

    /// What happened to a transaction.
    #[must_use]
    pub fn events(&self, gid: &Gid) -> &[&'a Event] {
        self.by_gid.get(gid).map_or(&[], Vec::as_slice)
    }

    /// Whether an operator may have ended it without undoing anything: then effects may remain.
    #[must_use]
    pub fn may_be_force_stopped(&self, gid: &Gid) -> bool {
        let events = self.events(gid);
        let asked = events.iter().filter(|event| matches!(event, Event::Asked { ask: Ask::ForceStop, .. }));
        let refused = events.iter().filter(|event| {
            matches!(event, Event::Answered { ask: Ask::ForceStop, answer: Answer::Refused(_), .. })
        });
        asked.count() > refused.count()
    }

    /// What the branches of a transaction did, in order.
    pub fn effects(&self, gid: &Gid) -> impl Iterator<Item = (&'a BranchId, Op, Did)> {
        self.events(gid).iter().filter_map(|event| match event {
            Event::Effect { branch_id, op, did, .. } => Some((branch_id, *op, *did)),
            _ => None,
        })
    }

    /// How often `op` of a branch changed its books.
    #[must_use]
    pub fn applied(&self, gid: &Gid, branch_id: &BranchId, op: Op) -> usize {
        self.effects(gid).filter(|effect| *effect == (branch_id, op, Did::Applied)).count()
    }

    /// The branches whose books changed at all, or were asked to.
    #[must_use]
    pub fn branches(&self, gid: &Gid) -> BTreeSet<&'a BranchId> {
        self.effects(gid).map(|(branch_id, _, _)| branch_id).collect()
    }

    /// The statuses that were durable or shown to a client, in order. An answer that is under way when the
    /// transaction ends may show an earlier status, so those are left out.
    #[must_use]
    pub fn statuses(&self, gid: &Gid) -> Vec<Status> {
        let mut statuses: Vec<Status> = Vec::new();
        let mut asked_after_the_end = BTreeSet::new();
        for event in self.events(gid) {
            match event {
                Event::Created { status, .. } | Event::Committed { status, .. } => statuses.push(*status),
                Event::Asked { ask: Ask::Read(number), .. }
                    if statuses.iter().any(|status| status.is_final()) =>
                {
                    asked_after_the_end.insert(*number);
                }
                Event::Read { number, status: Some(status), .. }
                    if status.is_final() || asked_after_the_end.contains(number) =>
                {
                    statuses.push(*status);
                }
                Event::Answered { answer: Answer::Passed(status), .. } if status.is_final() => {
                    statuses.push(*status);
                }
                _ => {}
            }
        }
        statuses
    }
}
