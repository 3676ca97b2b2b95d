//! Which servers there are, and who has which shard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, Pipeline, RedisConnectionInfo, Value};

use crate::RedisConfig;
use crate::connections::Connections;
use crate::fault::Fault;
use crate::keys::{Keys, Place};
use crate::reply::{only, read, strange};

/// How long one member is waited for that is asked who has what.
const LOOK: Duration = Duration::from_secs(1);

/// The servers of a store.
#[derive(Debug)]
pub(crate) struct Servers {
    seeds: Vec<String>,
    settings: RedisConnectionInfo,
    tls: bool,
    limit: usize,
    patience: Duration,
    known: RwLock<BTreeMap<String, Arc<Connections>>>,
    /// The server of each place; empty when one has all.
    homes: RwLock<Arc<Vec<String>>>,
    /// The slot of each place; empty when one server has all.
    slots: RwLock<Arc<Vec<u16>>>,
    looking: AtomicBool,
    /// How many looks there were.
    looks: AtomicUsize,
}

impl Servers {
    pub(crate) fn new(config: &RedisConfig, patience: Duration) -> Self {
        let mut settings = RedisConnectionInfo::default().set_lib_name("dtm", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &config.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &config.password {
            settings = settings.set_password(password);
        }
        Self {
            seeds: config.addresses.clone(),
            settings,
            tls: config.tls,
            limit: config.connections.get().max(config.committers.get().saturating_add(2)),
            patience,
            known: RwLock::default(),
            homes: RwLock::default(),
            slots: RwLock::default(),
            looking: AtomicBool::new(false),
            looks: AtomicUsize::new(0),
        }
    }

    /// The connections to a server.
    pub(crate) fn at(&self, place: &str) -> Result<Arc<Connections>, Fault> {
        if let Some(known) = self.known.read().get(place) {
            return Ok(Arc::clone(known));
        }
        let info = self.info(place)?;
        let mut known = self.known.write();
        if let Some(known) = known.get(place) {
            return Ok(Arc::clone(known));
        }
        let connections = Arc::new(Connections::new(place.to_owned(), info, self.limit, self.patience)?);
        known.insert(place.to_owned(), Arc::clone(&connections));
        Ok(connections)
    }

    fn info(&self, place: &str) -> Result<ConnectionInfo, Fault> {
        let unreadable = || Fault::Trouble(format!("'{place}' is not the address of a Redis, host:port"));
        let (host, port) = place.rsplit_once(':').ok_or_else(unreadable)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = port.parse().map_err(|_| unreadable())?;
        if host.is_empty() {
            return Err(unreadable());
        }
        let address = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let info = address.into_connection_info().map_err(|error| Fault::Trouble(error.to_string()))?;
        Ok(info.set_redis_settings(self.settings.clone()))
    }

    /// Who has a place, as far as we know.
    pub(crate) fn home(&self, place: Place) -> String {
        let homes = self.homes.read();
        homes.get(place.0).or_else(|| self.seeds.first()).cloned().unwrap_or_default()
    }

    /// All servers that have anything.
    pub(crate) fn masters(&self) -> Vec<String> {
        let homes = self.homes.read();
        if homes.is_empty() {
            return self.seeds.iter().take(1).cloned().collect();
        }
        homes.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether any connection was made since this was asked.
    pub(crate) fn has_new_connections(&self) -> bool {
        self.known.read().values().filter(|connections| connections.is_new()).count() > 0
    }

    pub(crate) fn is_cluster(&self) -> bool {
        !self.homes.read().is_empty()
    }

    /// Asks one server something that is about no key.
    pub(crate) async fn ask(&self, place: &str, words: &[&str]) -> Result<Value, Fault> {
        let mut pipeline = Pipeline::new();
        if let [name, arguments @ ..] = words {
            pipeline.cmd(name).arg(arguments);
        }
        only(self.at(place)?.exchange(&pipeline).await?)
    }

    /// Learns in which slots the places of a cluster lie, and who has them.
    pub(crate) async fn learn_cluster(&self, seed: &str, keys: &Keys) -> Result<(), Fault> {
        let mut pipeline = Pipeline::new();
        for place in 0..=keys.shards() {
            pipeline.cmd("CLUSTER").arg("KEYSLOT").arg(keys.any(Place(place)));
        }
        let answers = self.at(seed)?.exchange(&pipeline).await?;
        let slots: Vec<u16> =
            answers.into_iter().map(|answer| answer.and_then(read)).collect::<Result<_, _>>()?;
        *self.slots.write() = Arc::new(slots);
        let homes = self.homes_from(seed).await?;
        *self.homes.write() = Arc::new(homes);
        Ok(())
    }

    /// Has somebody look again who has what, and does not wait for that: the member that is asked may be the one that is
    /// silent. One look at a time. Needs a tokio runtime.
    pub(crate) fn look_again(self: Arc<Self>) {
        if !self.is_cluster() || self.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        tokio::spawn(async move {
            let done = Looking(&self.looking);
            for candidate in self.candidates() {
                match tokio::time::timeout(LOOK, self.homes_from(&candidate)).await {
                    Ok(Ok(homes)) => {
                        *self.homes.write() = Arc::new(homes);
                        break;
                    }
                    Ok(Err(fault)) => tracing::debug!(
                        place = candidate,
                        ?fault,
                        "a member of the cluster does not say who has what"
                    ),
                    Err(_) => tracing::debug!(place = candidate, "a member of the cluster is silent"),
                }
            }
            drop(done);
        });
    }

    /// Whom to ask who has what: each look begins with another one, for one that is cut off from its cluster goes on
    /// saying what was true before.
    fn candidates(&self) -> Vec<String> {
        let mut candidates = self.masters();
        let others: Vec<String> = self.known.read().keys().chain(&self.seeds).cloned().collect();
        for other in others {
            if !candidates.contains(&other) {
                candidates.push(other);
            }
        }
        let first = self.looks.fetch_add(1, Ordering::Relaxed) % candidates.len().max(1);
        candidates.rotate_left(first);
        candidates
    }

    /// Who has each place, as one member of the cluster sees it.
    async fn homes_from(&self, member: &str) -> Result<Vec<String>, Fault> {
        let answer: Vec<Vec<Value>> = read(self.ask(member, &["CLUSTER", "SLOTS"]).await?)?;
        let mut ranges = Vec::with_capacity(answer.len());
        for range in answer {
            let mut parts = range.into_iter();
            let (Some(first), Some(last), Some(master)) = (parts.next(), parts.next(), parts.next()) else {
                return Err(strange(&"a range of slots without a master"));
            };
            let mut master = read::<Vec<Value>>(master)?.into_iter();
            let (Some(host), Some(port)) = (master.next(), master.next()) else {
                return Err(strange(&"a master without an address"));
            };
            let (host, port): (Option<String>, u16) = (read(host)?, read(port)?);
            // no host means: the one that you have asked
            let own = member.rsplit_once(':').map_or(member, |(host, _)| host);
            let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| own.to_owned());
            let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
            ranges.push((read::<u16>(first)?..=read::<u16>(last)?, format!("{host}:{port}")));
        }
        let slots = Arc::clone(&self.slots.read());
        let home = |slot: &u16| {
            let range = ranges.iter().find(|(range, _)| range.contains(slot));
            range.map(|(_, master)| master.clone()).ok_or_else(|| {
                Fault::Later("the Redis cluster has no master for some slots: check its masters".to_owned())
            })
        };
        slots.iter().map(home).collect()
    }

    pub(crate) fn close(&self) {
        for connections in self.known.read().values() {
            connections.close();
        }
    }
}

/// Ends a look, also when its caller goes away.
struct Looking<'a>(&'a AtomicBool);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
