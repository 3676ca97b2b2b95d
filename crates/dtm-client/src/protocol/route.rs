//! Several addresses of one server, or of servers on one store: which one to ask, and when to ask another.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::time::{Instant, sleep};

use crate::Retry;

/// Addresses, of which one is asked until it does not answer.
#[derive(Debug)]
pub(crate) struct Route<A> {
    addresses: Vec<A>,
    current: AtomicUsize,
    retry: Retry,
}

/// What one request came to.
#[derive(Debug)]
pub(crate) struct Attempt<T> {
    /// The answer, or why there is none.
    pub(crate) result: Result<T, String>,
    /// What follows from it.
    pub(crate) next: Next,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// That is it.
    Stay,
    /// That is it, but the following request had better go to another address: this one is silent.
    Leave,
    /// Ask again, at another address if there is one.
    Again,
}

impl<A: Clone> Route<A> {
    /// The order is drawn, so that many clients spread over the addresses, and over what is left of them
    /// when one fails. There has to be an address.
    pub(crate) fn new(mut addresses: Vec<A>, retry: Retry) -> Self {
        addresses.shuffle(&mut rand::rng());
        Self { addresses, current: AtomicUsize::new(0), retry }
    }

    /// All of them.
    pub(crate) fn addresses(&self) -> &[A] {
        &self.addresses
    }

    /// Makes attempts until one is final, every address has been tried as often as [`Retry`] says, or
    /// `patience` is over. The last result counts.
    pub(crate) async fn send<T, F>(&self, patience: Duration, attempt: impl Fn(A) -> F) -> Result<T, String>
    where
        F: Future<Output = Attempt<T>>,
    {
        let begun = Instant::now();
        let mut made: u32 = 0;
        loop {
            let at = self.current.load(Ordering::Relaxed);
            let Some(address) = self.addresses.get(at) else {
                return Err("there is no address".to_owned());
            };
            let Attempt { result, next } = attempt(address.clone()).await;
            made += 1;
            if next != Next::Stay {
                self.leave(at);
            }
            let pause = match next {
                Next::Stay | Next::Leave => None,
                Next::Again => self.pause_after(made).filter(|_| begun.elapsed() < patience),
            };
            let Some(pause) = pause else { return result };
            sleep(pause).await;
        }
    }

    /// Of many requests that fail together, only the first one moves on.
    fn leave(&self, at: usize) {
        let next = (at + 1) % self.addresses.len().max(1);
        // When it fails, another request has moved on already.
        self.current.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed).ok();
    }

    /// A short pause before another address, a longer one before the next round.
    fn pause_after(&self, made: u32) -> Option<Duration> {
        let count = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX).max(1);
        if made.is_multiple_of(count) {
            self.retry.pause_after(made / count)
        } else {
            Some(self.retry.pause_between_addresses())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn route(addresses: &[&'static str], attempts: u32) -> Route<&'static str> {
        let retry =
            Retry::default().attempts(attempts).pause(Duration::from_millis(1), Duration::from_millis(1));
        Route::new(addresses.to_vec(), retry)
    }

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn send(route: &Route<&'static str>, next: impl Fn(&str) -> Next) -> Vec<&'static str> {
        let asked = Mutex::new(Vec::new());
        let attempt = |address: &'static str| {
            asked.lock().unwrap().push(address);
            let next = next(address);
            async move { Attempt { result: Ok(()), next } }
        };
        route.send(PATIENCE, attempt).await.unwrap();
        asked.into_inner().unwrap()
    }

    #[tokio::test]
    async fn a_dead_address_is_left_for_the_next_one_and_not_asked_again() {
        let route = route(&["dead", "alive"], 3);
        let next = |address: &str| if address == "dead" { Next::Again } else { Next::Stay };
        let first = send(&route, next).await;
        assert_eq!(first.last(), Some(&"alive"), "{first:?}");
        for _ in 0..10 {
            assert_eq!(send(&route, next).await, ["alive"]);
        }
    }

    #[tokio::test]
    async fn every_address_is_tried_as_often_as_there_are_attempts() {
        for (addresses, attempts, expected) in
            [(vec!["a"], 3, 3), (vec!["a", "b"], 1, 2), (vec!["a", "b", "c"], 2, 6)]
        {
            let asked = send(&route(&addresses, attempts), |_| Next::Again).await;
            assert_eq!(asked.len(), expected, "{asked:?}");
            for address in addresses {
                let count = asked.iter().filter(|asked| **asked == address).count();
                assert_eq!(count, usize::try_from(attempts).unwrap(), "{address} of {asked:?}");
            }
        }
    }

    #[tokio::test]
    async fn after_a_time_out_nothing_is_repeated_but_the_next_request_goes_elsewhere() {
        let route = route(&["a", "b"], 3);
        let first = send(&route, |_| Next::Leave).await;
        let second = send(&route, |_| Next::Stay).await;
        assert_eq!((first.len(), second.len()), (1, 1));
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn of_many_requests_that_fail_at_once_only_one_moves_on() {
        let route = route(&["a", "b", "c"], 1);
        let at = route.current.load(Ordering::Relaxed);
        for _ in 0..5 {
            route.leave(at);
        }
        assert_eq!(route.current.load(Ordering::Relaxed), (at + 1) % 3);
    }

    #[tokio::test]
    async fn repetitions_end_with_the_patience() {
        let route = route(&["a", "b"], u32::MAX);
        let attempt = |_| async { Attempt::<()> { result: Err("no".to_owned()), next: Next::Again } };
        assert_eq!(route.send(Duration::from_millis(20), attempt).await, Err("no".to_owned()));
    }
}
