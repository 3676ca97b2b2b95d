//! Which transaction is driven by which task.
//!
//! A gid has at most one driver in a process: that is what makes two equal requests at the same moment one
//! transaction, and one request after the other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use dtm_core::model::Gid;

use super::request::Command;

const SHARDS: usize = 32;
/// Requests that wait for one driver; past it their senders wait.
const INBOX: usize = 16;

/// The inboxes of all drivers.
#[derive(Debug)]
pub(super) struct Registry {
    shards: Vec<Mutex<HashMap<Gid, mpsc::Sender<Command>>>>,
    hasher: RandomState,
    active: AtomicUsize,
}

/// The inbox of a gid, and its other end if a driver has to be started for it.
pub(super) struct Inbox {
    pub(super) sender: mpsc::Sender<Command>,
    pub(super) fresh: Option<mpsc::Receiver<Command>>,
}

impl Registry {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            active: AtomicUsize::new(0),
        }
    }

    /// How many transactions are driven now.
    pub(super) fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// The inbox of `gid`; registers a new one when nobody drives it.
    pub(super) fn inbox(&self, gid: &Gid) -> Inbox {
        match self.shard(gid).lock().entry(gid.clone()) {
            Entry::Occupied(present) => Inbox { sender: present.get().clone(), fresh: None },
            Entry::Vacant(place) => {
                let (sender, receiver) = mpsc::channel(INBOX);
                place.insert(sender.clone());
                self.active.fetch_add(1, Ordering::Relaxed);
                Inbox { sender, fresh: Some(receiver) }
            }
        }
    }

    /// Whether `gid` has a driver.
    pub(super) fn has(&self, gid: &Gid) -> bool {
        self.shard(gid).lock().contains_key(gid)
    }

    /// The driver of `gid` is about to end.
    pub(super) fn remove(&self, gid: &Gid) {
        if self.shard(gid).lock().remove(gid).is_some() {
            self.active.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// All inboxes, to ask every driver something.
    pub(super) fn all(&self) -> Vec<(Gid, mpsc::Sender<Command>)> {
        let mut all = Vec::with_capacity(self.active());
        for shard in &self.shards {
            all.extend(shard.lock().iter().map(|(gid, sender)| (gid.clone(), sender.clone())));
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other)); // a simulation has to be repeatable
        all
    }

    fn shard(&self, gid: &Gid) -> &Mutex<HashMap<Gid, mpsc::Sender<Command>>> {
        let hash = usize::try_from(self.hasher.hash_one(gid) % SHARDS as u64).unwrap_or(0);
        &self.shards[hash]
    }
}
