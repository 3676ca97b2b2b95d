//! Looking up host names without letting a slow name server use up the process's threads.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::Shared;
use hyper_util::client::legacy::connect::dns::Name;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tower_service::Service;

/// Looks names up by the system's resolver.
///
/// A look-up occupies a thread until the system gives up, long after its caller did. Therefore a name has at
/// most one look-up under way, which all callers share, and at most [`LOOKUPS_MAX`] names do: threads that
/// the store needs for its disk stay free.
#[derive(Clone)]
pub(super) struct Resolver {
    look_up: fn(&str) -> std::io::Result<Vec<SocketAddr>>,
    under_way: Arc<Mutex<HashMap<Name, Lookup>>>,
    slots: Arc<Semaphore>,
}

/// A name could not be looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LookupError {
    #[error("the host name could not be looked up: {0}")]
    Failed(Arc<str>),
    #[error("too many host names are being looked up at the moment")]
    TooMany,
}

type Found = Result<Vec<SocketAddr>, LookupError>;
type Lookup = Shared<Pin<Box<dyn Future<Output = Found> + Send>>>;
type Addresses = std::vec::IntoIter<SocketAddr>;

impl Resolver {
    pub(super) fn new() -> Self {
        Self::by(|host| (host, 0).to_socket_addrs().map(Iterator::collect))
    }

    fn by(look_up: fn(&str) -> std::io::Result<Vec<SocketAddr>>) -> Self {
        Self { look_up, under_way: Arc::default(), slots: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }

    /// Looks a host name up, without the port.
    pub(super) async fn look_up(&self, host: &str) -> Result<Vec<SocketAddr>, LookupError> {
        let name = Name::from_str(host).map_err(|error| LookupError::Failed(error.to_string().into()))?;
        self.shared_lookup(name)?.await
    }

    fn shared_lookup(&self, name: Name) -> Result<Lookup, LookupError> {
        let mut under_way = self.under_way.lock();
        if let Some(lookup) = under_way.get(&name) {
            return Ok(lookup.clone());
        }
        if under_way.len() >= NAMES_MAX {
            return Err(LookupError::TooMany);
        }
        let lookup = self.clone().run(name.clone()).boxed().shared();
        under_way.insert(name, lookup.clone());
        // driven by a task of its own: callers may give up
        tokio::spawn(lookup.clone());
        Ok(lookup)
    }

    async fn run(self, name: Name) -> Found {
        let found = match self.slots.acquire().await {
            Ok(_slot) => {
                let (look_up, host) = (self.look_up, name.clone());
                match tokio::task::spawn_blocking(move || look_up(host.as_str())).await {
                    Ok(Ok(addresses)) => Ok(addresses),
                    Ok(Err(error)) => Err(LookupError::Failed(error.to_string().into())),
                    Err(error) => Err(LookupError::Failed(error.to_string().into())),
                }
            }
            Err(error) => Err(LookupError::Failed(error.to_string().into())),
        };
        self.under_way.lock().remove(&name);
        found
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("under_way", &self.under_way.lock().len()).finish_non_exhaustive()
    }
}

impl Service<Name> for Resolver {
    type Response = Addresses;
    type Error = LookupError;
    type Future = Pin<Box<dyn Future<Output = Result<Addresses, LookupError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LookupError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let lookup = self.shared_lookup(name);
        Box::pin(async move { lookup?.await.map(Vec::into_iter) })
    }
}

/// Names that are looked up at the same time, each by a thread.
const LOOKUPS_MAX: usize = 16;
/// Names that are looked up or wait for it.
const NAMES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn callers_of_one_name_share_one_lookup_and_later_ones_look_again() {
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let mut resolver = Resolver::by(|_| {
            LOOKUPS.fetch_add(1, Ordering::SeqCst);
            Ok(vec![(Ipv4Addr::LOCALHOST, 0).into()])
        });
        let name = Name::from_str("stock.example").unwrap();

        let (first, second) = (resolver.call(name.clone()), resolver.call(name.clone()));
        assert_eq!(first.await.unwrap().count(), 1);
        assert_eq!(second.await.unwrap().count(), 1);
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);

        resolver.call(name).await.unwrap();
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 2, "nothing is cached");
        assert!(resolver.under_way.lock().is_empty());
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_is_an_error_with_the_systems_words() {
        let mut resolver = Resolver::by(|_| Err(std::io::Error::other("no such name")));
        let error = resolver.call(Name::from_str("stock.example").unwrap()).await.unwrap_err();
        assert_eq!(error.to_string(), "the host name could not be looked up: no such name");
    }
}
