//! What is known of the hosts that branches live on.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::breaker::{Breaker, BreakerState};
use super::discovery::Endpoint;
use super::local::local_name;
use super::target::{split_authority, split_scheme};

/// The destination of a URL: scheme, host and port, such that two URLs that lead to the same port of the same
/// host have the same name. Neither path nor query nor user is part of it, so it can be shown in a log. A branch in this
/// process is a destination of its own.
pub(super) fn name(url: &str) -> Cow<'_, str> {
    if local_name(url).is_some() {
        return Cow::Borrowed(url);
    }
    let (scheme, rest) = split_scheme(url).unwrap_or_else(|| split_other_scheme(url));
    let (authority, _) = split_authority(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
    let default_port = match scheme {
        "http://" => ":80",
        "https://" => ":443",
        _ => "",
    };
    let host = host.strip_suffix(default_port).unwrap_or(host);
    let as_written = url.starts_with(scheme) && rest.starts_with(host);
    if as_written && !host.contains(|c: char| c.is_ascii_uppercase()) {
        return Cow::Borrowed(&url[..scheme.len() + host.len()]);
    }
    Cow::Owned(format!("{scheme}{}", host.to_ascii_lowercase()))
}

/// The name for people: with the address, when it was found for a service.
pub(super) fn place(url: &str, endpoint: Option<&Endpoint<'_>>) -> String {
    match endpoint {
        None => name(url).into_owned(),
        Some(endpoint) => format!("{} at {}", name(url), endpoint.address),
    }
}

/// Splits the scheme of a driver from the rest; a third slash counts for nothing, as in `dns:///host:port`.
fn split_other_scheme(url: &str) -> (&str, &str) {
    let Some(end) = url.find("://").map(|begin| begin + 3) else { return ("", url) };
    let end = if url[end..].starts_with('/') { end + 1 } else { end };
    url.split_at(end)
}

/// One host and port, or one service.
#[derive(Debug)]
pub(super) struct Destination {
    /// Whether it is up.
    pub(super) breaker: Mutex<Breaker>,
    /// The bulkhead: one permit for each retry that may be under way.
    pub(super) retries: Semaphore,
}

/// The destinations that were called lately, a bounded number of them.
#[derive(Debug)]
pub(super) struct Destinations {
    known: Mutex<HashMap<Box<str>, Entry>>,
    known_max: usize,
    retries_max: usize,
}

#[derive(Debug)]
struct Entry {
    destination: Arc<Destination>,
    used: Instant,
}

/// How many breakers are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BreakerCounts {
    /// Destinations that are called as usual.
    pub closed: usize,
    /// Destinations that are not called.
    pub open: usize,
    /// Destinations that are being tried.
    pub half_open: usize,
}

impl Destinations {
    /// At most `known_max` destinations, each with `retries_max` permits.
    pub(super) fn new(known_max: usize, retries_max: usize) -> Self {
        let retries_max = retries_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { known: Mutex::default(), known_max: known_max.max(1), retries_max }
    }

    /// The destination of `url`. When there are too many, those that no call is using at the moment are
    /// forgotten, the longest unused first; if all are in use, the new one is not remembered.
    pub(super) fn of(&self, url: &str, now: Instant) -> Arc<Destination> {
        let name = name(url);
        let mut known = self.known.lock();
        if let Some(entry) = known.get_mut(name.as_ref()) {
            entry.used = now;
            return Arc::clone(&entry.destination);
        }
        let destination =
            Arc::new(Destination { breaker: Mutex::default(), retries: Semaphore::new(self.retries_max) });
        if known.len() >= self.known_max {
            self.evict(&mut known);
        }
        if known.len() < self.known_max {
            known.insert(name.into(), Entry { destination: Arc::clone(&destination), used: now });
        }
        destination
    }

    /// Forgets a tenth of the limit at a time, so that the search for them is rare.
    fn evict(&self, known: &mut HashMap<Box<str>, Entry>) {
        let mut unused: Vec<(bool, Instant)> = known.values().filter_map(Entry::rank).collect();
        if unused.is_empty() {
            return;
        }
        let last = (self.known_max / 10).min(unused.len() - 1);
        let (_, limit, _) = unused.select_nth_unstable(last);
        let limit = *limit;
        known.retain(|_, entry| entry.rank().is_none_or(|rank| rank > limit));
    }

    /// How many breakers are in each state.
    pub(super) fn breakers(&self, now: Instant) -> BreakerCounts {
        let mut counts = BreakerCounts::default();
        for entry in self.known.lock().values() {
            match entry.destination.breaker.lock().state(now) {
                BreakerState::Closed => counts.closed += 1,
                BreakerState::Open => counts.open += 1,
                BreakerState::HalfOpen => counts.half_open += 1,
            }
        }
        counts
    }
}

impl Entry {
    /// Its place in the order of forgetting; `None` while a call uses it. What a breaker has learned is kept
    /// longer than what a new one would know as well.
    fn rank(&self) -> Option<(bool, Instant)> {
        let unused = Arc::strong_count(&self.destination) == 1;
        unused.then(|| (!self.destination.breaker.lock().is_fresh(), self.used))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Admission, Contact};
    use super::*;

    #[test]
    fn urls_of_one_port_of_one_host_have_one_name_without_secrets() {
        for (url, expected) in [
            ("http://stock:8080/deduct?token=x", "http://stock:8080"),
            ("http://stock:80/deduct", "http://stock"),
            ("http://stock", "http://stock"),
            ("https://stock:443?x=1", "https://stock"),
            ("https://stock:80", "https://stock:80"),
            ("HTTP://Stock/a", "http://stock"),
            ("http://user:password@stock:81/a", "http://stock:81"),
            ("http://stock@stock/a", "http://stock"),
            ("http://[::1]:80/a", "http://[::1]"),
            ("stock:36790/busi.Busi/TransIn", "stock:36790"),
            ("static://stock/deduct", "static://stock"),
            ("grpc+static://Stock/busi.Busi/TransIn", "grpc+static://stock"),
            ("dns:///stock:50051/busi.Busi/TransIn", "dns:///stock:50051"),
            ("dns+srv://_http._tcp.stock?x", "dns+srv://_http._tcp.stock"),
            ("local:stock/deduct", "local:stock/deduct"),
            ("local:36790/busi.Busi/TransIn", "local:36790"),
            ("", ""),
        ] {
            assert_eq!(name(url), expected, "{url}");
        }
    }

    #[test]
    fn the_number_of_destinations_is_bounded_and_the_longest_unused_are_forgotten() {
        let destinations = Destinations::new(100, 1);
        let start = Instant::now();
        let used = destinations.of("http://used", start);
        let trouble = destinations.of("http://trouble", start);
        trouble.breaker.lock().record(Admission::Pass, Contact::TimedOut, start, 0.0);
        drop(trouble);
        for second in 1..=10_000 {
            destinations.of(&format!("http://h{second}"), start + Duration::from_secs(second));
            assert!(destinations.known.lock().len() <= 100);
        }
        let known = destinations.known.lock();
        assert!(known.len() > 80, "only a tenth is forgotten at a time");
        assert!(known.contains_key("http://used"), "a call is using it");
        assert!(known.contains_key("http://trouble"), "it has something to remember");
        assert!(known.contains_key("http://h10000") && !known.contains_key("http://h1"));
        drop((known, used));
    }

    #[test]
    fn when_all_are_in_use_a_new_one_works_without_being_remembered() {
        let destinations = Destinations::new(2, 1);
        let now = Instant::now();
        let held = [destinations.of("http://a", now), destinations.of("http://b", now)];
        let third = destinations.of("http://c", now);
        assert_eq!(third.retries.available_permits(), 1);
        assert_eq!(destinations.known.lock().len(), 2);
        drop(held);
    }
}
