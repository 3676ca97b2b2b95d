//! Keeps a destination that is down, or that hangs, from costing more than its own calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::Outcome;

use super::breaker::Admission;
use super::contract::{Attempt, Contact, Transport};
use super::destination::{self, BreakerCounts, Destination, Destinations};
use crate::config::TransportConfig;

/// A transport behind one bulkhead and one circuit breaker per destination (scheme, host, port).
///
/// Retries wait for a permit of their destination, for half of their time-out at most, so that a call that is
/// made has the other half left. First calls do not wait. A call that the breaker or the bulkhead refuses ends
/// as [`Outcome::NotSent`].
#[derive(Debug)]
pub struct Guarded<T> {
    inner: T,
    destinations: Destinations,
    refused_by_breaker: AtomicU64,
    refused_by_bulkhead: AtomicU64,
}

/// How many calls were not made so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Because the destination was known to be down.
    pub by_breaker: u64,
    /// Because too many retries were under way to it.
    pub by_bulkhead: u64,
}

impl<T: Transport> Guarded<T> {
    /// Guards `inner`.
    #[must_use]
    pub fn new(inner: T, config: &TransportConfig) -> Self {
        Self {
            inner,
            destinations: Destinations::new(DESTINATIONS_MAX, config.retries_per_destination),
            refused_by_breaker: AtomicU64::new(0),
            refused_by_bulkhead: AtomicU64::new(0),
        }
    }

    /// The transport that makes the calls.
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// How many breakers are in each state now.
    #[must_use]
    pub fn breakers(&self) -> BreakerCounts {
        self.destinations.breakers(Instant::now())
    }

    /// How many calls were not made so far.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        Refusals {
            by_breaker: self.refused_by_breaker.load(Ordering::Relaxed),
            by_bulkhead: self.refused_by_bulkhead.load(Ordering::Relaxed),
        }
    }

    fn breaker_refuses(&self, url: &str) -> Attempt {
        self.refused_by_breaker.fetch_add(1, Ordering::Relaxed);
        not_sent(format!("{} does not answer: waiting until it is back", destination::name(url)))
    }

    fn bulkhead_refuses(&self, url: &str) -> Attempt {
        self.refused_by_bulkhead.fetch_add(1, Ordering::Relaxed);
        not_sent(format!("{} is busy: too many retries are under way to it", destination::name(url)))
    }
}

#[async_trait::async_trait]
impl<T: Transport> Transport for Guarded<T> {
    async fn attempt(
        &self,
        call: &BranchCall,
        headers: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Attempt {
        if call.url.is_empty() {
            return self.inner.attempt(call, headers, limit).await;
        }
        let started = Instant::now();
        let destination = self.destinations.of(&call.url, started);
        let permit = if call.retry {
            // asked before the wait as well: whom the breaker refuses shall not occupy the queue
            if !destination.breaker.lock().admits(true, started) {
                return self.breaker_refuses(&call.url);
            }
            match permit(&destination, limit / 2).await {
                Some(permit) => Some(permit),
                None => return self.bulkhead_refuses(&call.url),
            }
        } else {
            None
        };
        let Some(admitted) = Admitted::by(&destination, call.retry) else {
            return self.breaker_refuses(&call.url);
        };
        let attempt = self.inner.attempt(call, headers, limit.saturating_sub(started.elapsed())).await;
        admitted.ended(attempt.contact);
        drop(permit);
        attempt
    }
}

async fn permit(destination: &Destination, limit: Duration) -> Option<SemaphorePermit<'_>> {
    match destination.retries.try_acquire() {
        Ok(permit) => Some(permit),
        Err(_) => tokio::time::timeout(limit, destination.retries.acquire()).await.ok()?.ok(),
    }
}

fn not_sent(cause: String) -> Attempt {
    Attempt { outcome: Outcome::NotSent { cause }, contact: Contact::Inconclusive }
}

/// A call that the breaker let pass. Dropping it, because the call was cancelled, lets another probe pass.
struct Admitted<'a> {
    destination: &'a Arc<Destination>,
    admission: Admission,
    ended: bool,
}

impl<'a> Admitted<'a> {
    fn by(destination: &'a Arc<Destination>, retry: bool) -> Option<Self> {
        let admission = destination.breaker.lock().admit(retry, Instant::now());
        (admission != Admission::Refused).then_some(Self { destination, admission, ended: false })
    }

    fn ended(mut self, contact: Contact) {
        self.ended = true;
        let jitter = rand::random();
        self.destination.breaker.lock().record(self.admission, contact, Instant::now(), jitter);
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if !self.ended && self.admission == Admission::Probe {
            self.destination.breaker.lock().release();
        }
    }
}

/// Destinations that are remembered.
const DESTINATIONS_MAX: usize = 10_000;
