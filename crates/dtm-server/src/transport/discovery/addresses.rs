//! Which address of a service is called next.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The addresses of one service, called in turn.
#[derive(Debug)]
pub(super) struct Addresses {
    list: Vec<Entry>,
    turn: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    priority: u16,
    address: SocketAddr,
    /// Since when it could not be reached.
    failed: Mutex<Option<Instant>>,
}

impl Addresses {
    /// What `earlier` knows of addresses that are still in the list is kept.
    pub(super) fn new(mut list: Vec<(u16, SocketAddr)>, earlier: Option<&Self>) -> Self {
        list.sort_unstable();
        list.dedup_by_key(|(_, address)| *address);
        list.truncate(ADDRESSES_MAX);
        let list = list.into_iter().map(|(priority, address)| {
            let failed = Mutex::new(earlier.and_then(|earlier| earlier.entry(address)?.failed_at()));
            Entry { priority, address, failed }
        });
        let turn = earlier.map_or(0, |earlier| earlier.turn.load(Ordering::Relaxed));
        Self { list: list.collect(), turn: AtomicUsize::new(turn) }
    }

    /// The next address that is not among `tried`: of those that can be reached the ones with the lowest
    /// priority, in turn; when there is none, one of the others. `None`: all were tried.
    pub(super) fn next(&self, tried: &[SocketAddr], now: Instant) -> Option<SocketAddr> {
        let open = || self.list.iter().filter(|entry| !tried.contains(&entry.address));
        let rank = |entry: &Entry| (entry.is_out(now), entry.priority);
        let best = open().map(rank).min()?;
        let candidates: Vec<&Entry> = open().filter(|entry| rank(entry) == best).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        candidates.get(turn % candidates.len()).map(|entry| entry.address)
    }

    /// Whether no address can be reached.
    pub(super) fn all_are_out(&self, now: Instant) -> bool {
        self.list.iter().all(|entry| entry.is_out(now))
    }

    /// An address could be reached, or not.
    pub(super) fn note(&self, address: SocketAddr, reached: bool, now: Instant) {
        if let Some(entry) = self.entry(address) {
            *entry.failed.lock() = if reached { None } else { Some(now) };
        }
    }

    fn entry(&self, address: SocketAddr) -> Option<&Entry> {
        self.list.iter().find(|entry| entry.address == address)
    }
}

impl Entry {
    fn failed_at(&self) -> Option<Instant> {
        *self.failed.lock()
    }

    fn is_out(&self, now: Instant) -> bool {
        self.failed_at().is_some_and(|failed| now.duration_since(failed) < OUT_FOR)
    }
}

/// For how long an address that could not be reached is left out, as long as there are others.
const OUT_FOR: Duration = Duration::from_secs(5);
/// Addresses of one service; more than that are left out.
const ADDRESSES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([10, 0, 0, 1], port).into()
    }

    fn service(list: &[(u16, u16)]) -> Addresses {
        Addresses::new(list.iter().map(|(priority, port)| (*priority, address(*port))).collect(), None)
    }

    fn ports(addresses: &Addresses, count: usize, now: Instant) -> Vec<u16> {
        (0..count).map(|_| addresses.next(&[], now).unwrap().port()).collect()
    }

    #[test]
    fn addresses_take_turns() {
        let service = service(&[(0, 1), (0, 2), (0, 3), (0, 1)]);
        assert_eq!(ports(&service, 7, Instant::now()), [1, 2, 3, 1, 2, 3, 1]);
    }

    #[test]
    fn one_that_cannot_be_reached_is_left_out_for_a_while_and_comes_back() {
        let service = service(&[(0, 1), (0, 2), (0, 3)]);
        let now = Instant::now();
        service.note(address(2), false, now);
        assert!(!ports(&service, 10, now).contains(&2));
        assert!(ports(&service, 3, now + OUT_FOR).contains(&2));
        service.note(address(2), true, now);
        assert!(ports(&service, 3, now).contains(&2));
    }

    #[test]
    fn when_none_can_be_reached_they_are_tried_all_the_same() {
        let service = service(&[(0, 1), (0, 2)]);
        let now = Instant::now();
        service.note(address(1), false, now);
        service.note(address(2), false, now);
        assert!(service.all_are_out(now));
        assert_eq!(ports(&service, 2, now).len(), 2);
    }

    #[test]
    fn a_higher_number_of_priority_waits_until_the_lower_ones_cannot_be_reached() {
        let service = service(&[(10, 1), (20, 2), (10, 3)]);
        let now = Instant::now();
        assert!(!ports(&service, 10, now).contains(&2));
        service.note(address(1), false, now);
        assert_eq!(ports(&service, 2, now), [3, 3]);
        service.note(address(3), false, now);
        assert_eq!(ports(&service, 2, now), [2, 2]);
    }

    #[test]
    fn what_was_tried_is_not_tried_again_for_the_same_call() {
        let service = service(&[(0, 1), (1, 2)]);
        let now = Instant::now();
        assert_eq!(service.next(&[address(1)], now), Some(address(2)));
        assert_eq!(service.next(&[address(1), address(2)], now), None);
    }

    #[test]
    fn a_new_list_remembers_what_is_known_of_the_old_one() {
        let old = service(&[(0, 1), (0, 2)]);
        let now = Instant::now();
        old.note(address(1), false, now);
        let new = Addresses::new(vec![(0, address(1)), (0, address(3))], Some(&old));
        assert_eq!(ports(&new, 2, now), [3, 3]);
    }
}
