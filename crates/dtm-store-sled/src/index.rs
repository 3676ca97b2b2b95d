//! Which unfinished transactions are due, and who holds them.
//!
//! Kept in memory, about 50 bytes each, and read from the marks of the unfinished when the store is opened: an
//! index on disk would cost two more entries for each write of a transaction.

use std::collections::{BTreeMap, BTreeSet};

use dtm_core::model::Timestamp;
use dtm_store::precondition::Head;
use dtm_store::{Damaged, Epoch, NodeName};

use crate::keys::Number;

/// The unfinished transactions, each under its due time.
#[derive(Debug, Default)]
pub(crate) struct Index {
    free: Places,
    held: BTreeMap<NodeName, BTreeMap<Epoch, Places>>,
    /// Records that cannot be read and that no claim has reported yet.
    pub(crate) damaged: Vec<Damaged>,
}

type Places = BTreeSet<(Timestamp, Number)>;

/// One unfinished transaction as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) due: Timestamp,
    pub(crate) number: Number,
    holder: Option<(NodeName, Epoch)>,
}

impl Index {
    /// Takes up a transaction, unless it is finished.
    pub(crate) fn insert(&mut self, number: Number, head: &Head) {
        let Some(due) = head.due else { return };
        let token = &head.owner.token;
        if !head.owner.held {
            self.free.insert((due, number));
        } else if let Some(places) =
            self.held.get_mut(&token.node).and_then(|epochs| epochs.get_mut(&token.epoch))
        {
            places.insert((due, number));
        } else {
            let places = BTreeSet::from([(due, number)]);
            self.held.entry(token.node.clone()).or_default().insert(token.epoch, places);
        }
    }

    /// Forgets a transaction as `head` describes it.
    pub(crate) fn remove(&mut self, number: Number, head: &Head) {
        let Some(due) = head.due else { return };
        let token = &head.owner.token;
        self.remove_place(due, number, head.owner.held.then_some((&token.node, token.epoch)));
    }

    /// Forgets a transaction whose record cannot be read.
    pub(crate) fn forget(&mut self, place: &Place) {
        let holder = place.holder.as_ref().map(|(node, epoch)| (node, *epoch));
        self.remove_place(place.due, place.number, holder);
    }

    /// Up to `limit` that can be claimed, the longest due first: what is due and free, and what the dead hold.
    pub(crate) fn claimable(
        &self,
        now: Timestamp,
        limit: usize,
        is_alive: impl Fn(&NodeName, Epoch) -> bool,
    ) -> Vec<Place> {
        let due = self.free.iter().take_while(|(due, _)| *due <= now).take(limit).map(|place| free(*place));
        let orphaned = self.held().filter(|(node, epoch, _)| !is_alive(node, *epoch)).flat_map(
            |(node, epoch, places)| places.iter().take(limit).map(move |place| held(node, epoch, *place)),
        );
        first(due.chain(orphaned), limit)
    }

    /// Up to `limit` that are due later than that and not held by `except`, the longest due first.
    pub(crate) fn later_than(&self, later_than: Timestamp, limit: usize, except: &NodeName) -> Vec<Place> {
        let later = (std::ops::Bound::Excluded((later_than, Number(u64::MAX))), std::ops::Bound::Unbounded);
        let released = self.free.range(later).take(limit).map(|place| free(*place));
        let held = self.held().filter(|(node, _, _)| *node != except).flat_map(|(node, epoch, places)| {
            places.range(later).take(limit).map(move |place| held(node, epoch, *place))
        });
        first(released.chain(held), limit)
    }

    fn held(&self) -> impl Iterator<Item = (&NodeName, Epoch, &Places)> {
        self.held
            .iter()
            .flat_map(|(node, epochs)| epochs.iter().map(move |(epoch, places)| (node, *epoch, places)))
    }

    fn remove_place(&mut self, due: Timestamp, number: Number, holder: Option<(&NodeName, Epoch)>) {
        let Some((node, epoch)) = holder else {
            self.free.remove(&(due, number));
            return;
        };
        let Some(epochs) = self.held.get_mut(node) else { return };
        let Some(places) = epochs.get_mut(&epoch) else { return };
        places.remove(&(due, number));
        // an empty set of the present epoch is kept: the next transaction needs it again
        if places.is_empty() && epochs.len() > 1 {
            epochs.remove(&epoch);
        }
    }
}

fn free((due, number): (Timestamp, Number)) -> Place {
    Place { due, number, holder: None }
}

fn held(node: &NodeName, epoch: Epoch, (due, number): (Timestamp, Number)) -> Place {
    Place { due, number, holder: Some((node.clone(), epoch)) }
}

fn first(places: impl Iterator<Item = Place>, limit: usize) -> Vec<Place> {
    let mut places: Vec<Place> = places.collect();
    places.sort_unstable();
    places.truncate(limit);
    places
}
