//! What was looked up: kept for a bounded time, shared by all callers, a bounded number of names.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::addresses::Addresses;
use super::driver::{Driver, Found, LookupError};

/// The names of one driver. Cheap to clone.
///
/// While addresses that are due are looked up again, and when that fails, the old ones are used: a name server
/// that is down stops nobody. Only when none of them can be reached do callers wait for new ones.
#[derive(Clone)]
pub(super) struct Names(Arc<Inner>);

type Looked = Result<Arc<Addresses>, LookupError>;
type Lookup = Shared<Pin<Box<dyn Future<Output = Looked> + Send>>>;

struct Inner {
    driver: Box<dyn Driver>,
    age_max: Duration,
    known: Mutex<HashMap<Box<str>, Name>>,
}

struct Name {
    addresses: Option<Arc<Addresses>>,
    /// Why the last look-up failed, if it did.
    trouble: Option<LookupError>,
    under_way: Option<Lookup>,
    /// When it was looked up, and when it is to be looked up again.
    looked_up: Instant,
    due: Instant,
    used: Instant,
}

impl Names {
    pub(super) fn new(driver: Box<dyn Driver>, age_max: Duration) -> Self {
        Self(Arc::new(Inner { driver, age_max, known: Mutex::default() }))
    }

    pub(super) fn driver(&self) -> &dyn Driver {
        &*self.0.driver
    }

    /// The addresses of `name`.
    pub(super) async fn get(&self, name: &str) -> Looked {
        let now = Instant::now();
        let lookup = {
            let mut known = self.0.known.lock();
            let entry = match known.get_mut(name) {
                Some(entry) => entry,
                None => self.0.remember(&mut known, name, now)?,
            };
            entry.used = now;
            if now >= entry.due && entry.under_way.is_none() {
                entry.under_way = Some(self.look_up(name));
            }
            match (&entry.addresses, &entry.under_way, &entry.trouble) {
                (Some(addresses), None, _) => return Ok(Arc::clone(addresses)),
                (Some(addresses), Some(_), _) if !addresses.all_are_out(now) => {
                    return Ok(Arc::clone(addresses));
                }
                (_, Some(lookup), _) => lookup.clone(),
                (None, None, Some(trouble)) => return Err(trouble.clone()),
                (None, None, None) => return Err(LookupError::NoAddresses),
            }
        };
        lookup.await
    }

    /// An address of `name` could be reached, or not. If not, the name is looked up again, but not all the time.
    pub(super) fn note(&self, name: &str, address: SocketAddr, reached: bool) {
        let now = Instant::now();
        if let Some(entry) = self.0.known.lock().get_mut(name) {
            if let Some(addresses) = &entry.addresses {
                addresses.note(address, reached, now);
            }
            if !reached {
                entry.due = entry.due.min(entry.looked_up + PAUSE);
            }
        }
    }

    /// A task of its own does it: callers may give up.
    fn look_up(&self, name: &str) -> Lookup {
        let (inner, name) = (Arc::clone(&self.0), Box::<str>::from(name));
        let lookup = async move {
            let found = timeout(LOOKUP_TIME_MAX, inner.driver.look_up(&name)).await;
            let found = found.unwrap_or(Err(LookupError::TimedOut(LOOKUP_TIME_MAX)));
            let found = found.and_then(|found| {
                if found.addresses.is_empty() { Err(LookupError::NoAddresses) } else { Ok(found) }
            });
            inner.keep(&name, found)
        };
        let lookup = lookup.boxed().shared();
        tokio::spawn(lookup.clone());
        lookup
    }
}

impl Inner {
    /// Makes room for a name. Those that are being looked up stay.
    fn remember<'a>(
        &self,
        known: &'a mut HashMap<Box<str>, Name>,
        name: &str,
        now: Instant,
    ) -> Result<&'a mut Name, LookupError> {
        if known.len() >= NAMES_MAX {
            let idle = known.iter().filter(|(_, entry)| entry.under_way.is_none());
            let oldest = idle.min_by_key(|(_, entry)| entry.used).map(|(name, _)| name.clone());
            known.remove(&oldest.ok_or(LookupError::TooMany)?);
        }
        let fresh =
            Name { addresses: None, trouble: None, under_way: None, looked_up: now, due: now, used: now };
        Ok(known.entry(name.into()).or_insert(fresh))
    }

    fn keep(&self, name: &str, found: Result<Found, LookupError>) -> Looked {
        let now = Instant::now();
        let mut known = self.known.lock();
        let Some(entry) = known.get_mut(name) else {
            return found.map(|found| Arc::new(Addresses::new(found.addresses, None)));
        };
        (entry.under_way, entry.looked_up) = (None, now);
        match found {
            Ok(Found { addresses, valid_for }) => {
                let age_max =
                    valid_for.map_or(self.age_max, |valid_for| valid_for.clamp(PAUSE, self.age_max));
                let addresses = Arc::new(Addresses::new(addresses, entry.addresses.as_deref()));
                (entry.due, entry.trouble) = (now + age_max, None);
                entry.addresses = Some(Arc::clone(&addresses));
                Ok(addresses)
            }
            Err(error) => {
                tracing::debug!(scheme = self.driver.scheme(), name, %error, "a service could not be looked up");
                (entry.due, entry.trouble) = (now + PAUSE, Some(error.clone()));
                entry.addresses.clone().ok_or(error)
            }
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("driver", &self.0.driver).finish_non_exhaustive()
    }
}

/// How long a look-up may take altogether.
const LOOKUP_TIME_MAX: Duration = Duration::from_secs(10);
/// The shortest time between two look-ups of one name.
const PAUSE: Duration = Duration::from_secs(1);
/// Names of one driver that are known or being looked up.
const NAMES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    type Answer = Result<(Vec<u16>, Option<u64>), &'static str>;

    /// Answers from a list: ports of one host and seconds; the last answer is repeated.
    #[derive(Debug, Clone, Default)]
    struct Scripted {
        answers: Arc<Mutex<VecDeque<Answer>>>,
        asked: Arc<Mutex<u32>>,
        silent: bool,
    }

    #[async_trait::async_trait]
    impl Driver for Scripted {
        fn scheme(&self) -> &'static str {
            "scripted"
        }

        fn check(&self, _: &str) -> Result<(), String> {
            Ok(())
        }

        async fn look_up(&self, _: &str) -> Result<Found, LookupError> {
            *self.asked.lock() += 1;
            if self.silent {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            let mut answers = self.answers.lock();
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            let (ports, seconds) = answer.unwrap().map_err(|error| LookupError::Failed(error.into()))?;
            let addresses = ports.into_iter().map(|port| (0, address(port))).collect();
            Ok(Found { addresses, valid_for: seconds.map(Duration::from_secs) })
        }
    }

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn names(answers: impl IntoIterator<Item = Answer>) -> (Names, Scripted) {
        let driver =
            Scripted { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Scripted::default() };
        (Names::new(Box::new(driver.clone()), Duration::from_secs(30)), driver)
    }

    impl Scripted {
        fn asked(&self) -> u32 {
            *self.asked.lock()
        }
    }

    async fn port(names: &Names) -> Result<u16, LookupError> {
        let addresses = names.get("stock").await?;
        Ok(addresses.next(&[], Instant::now()).unwrap().port())
    }

    async fn wait(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn callers_share_one_look_up_and_its_result_until_it_is_due() {
        let (names, driver) =
            names([Ok((vec![1], None)), Ok((vec![2], Some(5))), Ok((vec![3], Some(3_600)))]);
        let both = tokio::join!(port(&names), port(&names));
        assert_eq!(both, (Ok(1), Ok(1)));
        wait(29).await;
        assert_eq!((port(&names).await, driver.asked()), (Ok(1), 1));
        wait(1).await;
        assert_eq!(port(&names).await, Ok(1), "the old ones are used while it is looked up again");
        wait(1).await;
        assert_eq!((port(&names).await, driver.asked()), (Ok(2), 2));
        wait(3).await;
        assert_eq!((port(&names).await, driver.asked()), (Ok(2), 2));
        wait(2).await;
        assert_eq!(port(&names).await, Ok(2));
        wait(1).await;
        assert_eq!((port(&names).await, driver.asked()), (Ok(3), 3), "a short time to live counts");
        wait(28).await;
        assert_eq!((port(&names).await, driver.asked()), (Ok(3), 3));
        wait(2).await;
        assert_eq!(port(&names).await, Ok(3));
        wait(1).await;
        assert_eq!(driver.asked(), 4, "a long one does not");
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_server_that_is_down_stops_nobody_who_has_addresses() {
        let (names, driver) = names([Ok((vec![1], None)), Err("down")]);
        port(&names).await.unwrap();
        for _ in 0..100 {
            wait(60).await;
            assert_eq!(port(&names).await, Ok(1));
        }
        assert!(driver.asked() > 90);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_look_up_is_an_error_that_is_remembered_for_a_second() {
        let (names, driver) = names([Err("no such name"), Ok((vec![], None)), Ok((vec![1], None))]);
        for _ in 0..100 {
            assert_eq!(port(&names).await, Err(LookupError::Failed("no such name".into())));
        }
        assert_eq!(driver.asked(), 1);
        wait(1).await;
        assert_eq!(port(&names).await, Err(LookupError::NoAddresses));
        wait(1).await;
        assert_eq!((port(&names).await, driver.asked()), (Ok(1), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_cannot_be_reached_has_the_name_looked_up_and_is_waited_for_if_it_was_the_last() {
        let (names, driver) = names([Ok((vec![1], None)), Ok((vec![2], None))]);
        assert_eq!(port(&names).await, Ok(1));
        names.note("stock", address(1), false);
        assert_eq!((port(&names).await, driver.asked()), (Ok(1), 1), "not more than once a second");
        wait(1).await;
        assert_eq!(
            (port(&names).await, driver.asked()),
            (Ok(2), 2),
            "and not the one that is known to be dead"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_server_that_is_silent_costs_ten_seconds_and_a_caller_that_gives_up_changes_nothing() {
        let silent = Scripted { silent: true, ..Scripted::default() };
        let names = Names::new(Box::new(silent.clone()), Duration::from_secs(30));
        let begun = Instant::now();
        let early = timeout(Duration::from_secs(1), names.get("stock")).await;
        assert!(early.is_err());
        assert_eq!(port(&names).await, Err(LookupError::TimedOut(LOOKUP_TIME_MAX)));
        assert_eq!((begun.elapsed(), silent.asked()), (LOOKUP_TIME_MAX, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_names_is_bounded_and_the_longest_unused_are_forgotten() {
        let (names, _) = names([Ok((vec![1], None))]);
        for number in 0..NAMES_MAX + 100 {
            names.get(&format!("stock-{number}")).await.unwrap();
        }
        {
            let known = names.0.known.lock();
            assert_eq!(known.len(), NAMES_MAX);
            assert!(!known.contains_key("stock-0") && known.contains_key("stock-1000"));
        }
        let silent =
            Names::new(Box::new(Scripted { silent: true, ..Scripted::default() }), Duration::from_secs(30));
        let mut waiting: Vec<_> = (0..NAMES_MAX)
            .map(|number| {
                let (silent, name) = (silent.clone(), format!("stock-{number}"));
                async move { silent.get(&name).await.map(|_| ()) }.boxed()
            })
            .collect();
        for lookup in &mut waiting {
            assert!(lookup.now_or_never().is_none());
        }
        assert_eq!(silent.get("one-more").await.err(), Some(LookupError::TooMany));
    }
}
