//! What has to hold before the first transaction is accepted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dtm_store::Error;
use redis::Value;

use crate::RedisConfig;
use crate::client::{Client, Kind};
use crate::fault::Fault;
use crate::keys::Keys;
use crate::reply::read;
use crate::scripts::{Call, OPEN, SPAN};
use crate::servers::Servers;

/// The version of the keys that this server writes, and the only one that it reads.
const VERSION: u32 = 1;

/// The oldest one that has all that the scripts need: a script that asks for the time and then writes.
const OLDEST: u32 = 6;

/// Connects, checks every server, and learns how the store is divided.
pub(crate) async fn open(config: &RedisConfig) -> Result<(Client, Keys), Error> {
    let prefix = prefix(&config.prefix)?;
    let wait = config.replicas.map_or(Duration::ZERO, |replicas| replicas.timeout);
    let servers = Arc::new(Servers::new(config, config.response_timeout + wait));
    let mut client =
        Client { servers, persistence: config.connect_timeout, replicas: config.replicas, apart: true };
    let (seed, info) = reach(&client.servers, config).await?;
    let given = Keys::new(prefix.clone(), config.shards.get());
    if info.get("cluster_enabled").is_some_and(|enabled| enabled == "1") {
        client.servers.learn_cluster(&seed, &given).await.map_err(|fault| unusable(&seed, fault))?;
    } else if config.addresses.len() > 1 {
        return Err(Error::Fatal(format!(
            "Redis at {seed} is no member of a cluster, but several addresses are given: name the one master"
        )));
    }
    for master in client.servers.masters() {
        check(&client.servers, &master).await?;
    }
    let shards = divide(&client, &given, config).await?;
    let keys = Keys::new(prefix, shards);
    if client.servers.is_cluster() {
        client.servers.learn_cluster(&seed, &keys).await.map_err(|fault| unusable(&seed, fault))?;
    } else {
        client.apart = !spans(&client, &keys).await.map_err(|fault| unusable(&seed, fault))?;
    }
    Ok((client, keys))
}

/// Whether one script may name keys of all shards. What hides a cluster, or forbids it for another reason, may refuse that.
async fn spans(client: &Client, keys: &Keys) -> Result<bool, Fault> {
    let all: Vec<String> = keys.all().map(|shard| shard.key("health")).collect();
    match client.run_one(Kind::Read, SPAN.call(keys.everywhere(), &all)).await {
        Ok(_) => Ok(true),
        Err(Fault::Trouble(detail)) => {
            tracing::info!(detail, "a script may not name keys of several shards: each shard gets its own");
            Ok(false)
        }
        Err(fault) => Err(fault),
    }
}

/// The prefix without the braces that DTM's has: a tag of our own follows it.
fn prefix(text: &str) -> Result<String, Error> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    if inner.is_empty() || inner.contains(['{', '}']) || inner.contains(char::is_control) {
        return Err(Error::Fatal(format!(
            "the prefix '{text}' of keys in Redis cannot be used: it needs some text, and no braces but around it"
        )));
    }
    Ok(inner.to_owned())
}

/// The first address that answers, and what it says about itself.
async fn reach(servers: &Servers, config: &RedisConfig) -> Result<(String, BTreeMap<String, String>), Error> {
    let deadline = Instant::now() + config.connect_timeout;
    let mut pause = Duration::from_millis(20);
    loop {
        let mut last = Fault::Trouble("no address is given".to_owned());
        for seed in &config.addresses {
            match info(servers, seed).await {
                Ok(info) if info.get("loading").is_some_and(|loading| loading == "1") => {
                    last = Fault::Later("Redis is starting: it is reading its data".to_owned());
                }
                Ok(info) => return Ok((seed.clone(), info)),
                Err(fault) => last = fault,
            }
        }
        let place = config.addresses.join(",");
        if !matches!(last, Fault::Later(_) | Fault::Lost(_)) {
            return Err(unusable(&place, last));
        }
        if Instant::now() + pause >= deadline {
            return Err(Error::Fatal(format!(
                "cannot reach Redis at {place}: {}; check that it runs, the host and port of the store, and firewalls between",
                detail(last)
            )));
        }
        tracing::warn!(place, error = detail(last), "Redis cannot be reached, trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// What a server says about itself, by name.
async fn info(servers: &Servers, place: &str) -> Result<BTreeMap<String, String>, Fault> {
    let text: String = read(servers.ask(place, &["INFO"]).await?)?;
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
}

/// Refuses a server that would lose transactions, and warns of one that may.
async fn check(servers: &Servers, place: &str) -> Result<(), Error> {
    let info = info(servers, place).await.map_err(|fault| unusable(place, fault))?;
    let field = |name: &str| info.get(name).map(String::as_str);
    let version = field("redis_version").unwrap_or("");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < OLDEST) {
        return Err(Error::Fatal(format!(
            "Redis at {place} is too old ({version}): version {OLDEST} or later is needed"
        )));
    }
    if field("role") == Some("slave") {
        return Err(Error::Fatal(format!("Redis at {place} is a replica: point the store at the master")));
    }
    check_eviction(servers, place, field("maxmemory_policy")).await?;
    check_persistence(servers, place, field("aof_enabled"), field("connected_slaves")).await;
    Ok(())
}

/// Refuses one that drops any transaction, and warns of one that does not say.
async fn check_eviction(servers: &Servers, place: &str, known: Option<&str>) -> Result<(), Error> {
    let policy = match known {
        Some(policy) => Some(policy.to_owned()),
        None => setting(servers, place, "maxmemory-policy").await,
    };
    if policy.is_none() {
        tracing::warn!(
            place,
            "Redis does not say its maxmemory-policy; make sure that it is noeviction, or transactions may be dropped"
        );
    }
    policy.and_then(|policy| drops(place, &policy)).map_or(Ok(()), |trouble| Err(Error::Fatal(trouble)))
}

/// What is wrong with the policy of a server now; nothing when it is right, or does not say.
pub(crate) async fn eviction_trouble(servers: &Servers, place: &str) -> Result<Option<String>, Fault> {
    let info = info(servers, place).await?;
    let policy = match info.get("maxmemory_policy") {
        Some(policy) => Some(policy.clone()),
        None => setting(servers, place, "maxmemory-policy").await,
    };
    Ok(policy.and_then(|policy| drops(place, &policy)))
}

/// Keys of the store have no expiry, so `volatile-*` drops none of them; `allkeys-*` drops any.
fn drops(place: &str, policy: &str) -> Option<String> {
    policy.starts_with("allkeys").then(|| {
        format!(
            "Redis at {place} has maxmemory-policy {policy}: it would drop transactions when its memory is full; \
             set maxmemory-policy noeviction, or use a Redis that is no cache"
        )
    })
}

async fn check_persistence(servers: &Servers, place: &str, aof: Option<&str>, replicas: Option<&str>) {
    let replicates = replicas.is_some_and(|count| count != "0");
    if aof == Some("1") {
        match setting(servers, place, "appendfsync").await.as_deref() {
            Some("always") => {}
            Some(policy) => tracing::warn!(
                place,
                policy,
                "appendfsync is not always: a crash of Redis may lose the last transactions that were acknowledged"
            ),
            None => tracing::warn!(
                place,
                "CONFIG is forbidden: whether appendfsync is always could not be checked; with anything else a crash of \
                 Redis may lose the last transactions that were acknowledged"
            ),
        }
        return;
    }
    match setting(servers, place, "save").await {
        Some(save) if save.is_empty() && !replicates => tracing::warn!(
            place,
            "Redis neither persists (appendonly no, no save) nor replicates: when it stops, every transaction is lost; \
             set appendonly yes and appendfsync always"
        ),
        Some(_) => tracing::warn!(
            place,
            replicates,
            "appendonly is off: a crash of Redis loses what was acknowledged since its last snapshot, unless a replica has it"
        ),
        None => tracing::warn!(
            place,
            replicates,
            "appendonly is off, and CONFIG is forbidden: whether Redis saves at all could not be checked"
        ),
    }
}

/// A setting, where one may ask for it.
async fn setting(servers: &Servers, place: &str, name: &str) -> Option<String> {
    let answer = servers.ask(place, &["CONFIG", "GET", name]).await.and_then(read::<Vec<String>>);
    match answer {
        Ok(pair) => pair.into_iter().nth(1),
        Err(fault) => {
            tracing::debug!(place, name, error = detail(fault), "a setting of Redis cannot be asked for");
            None
        }
    }
}

/// Divides an empty store into shards, or learns how it is divided.
async fn divide(client: &Client, keys: &Keys, config: &RedisConfig) -> Result<u16, Error> {
    if !config.set_up {
        let call = Call::plain(keys.everywhere(), "EXISTS").arg(keys.shared("store"));
        let answer = client.run_one(Kind::Read, call).await.and_then(read::<u64>);
        if answer.map_err(|fault| unusable(&client.servers.home(keys.everywhere()), fault))? == 0 {
            return Err(Error::NotFound(format!("a store with the prefix {} in Redis", config.prefix)));
        }
    }
    let call = OPEN.call(keys.everywhere(), &[keys.shared("store")]).arg(VERSION).arg(config.shards.get());
    let answer = client.run_one(Kind::Write, call).await;
    let value = answer.map_err(|fault| unusable(&client.servers.home(keys.everywhere()), fault))?;
    let (version, shards) = marks(value)?;
    if version > u64::from(VERSION) {
        return Err(Error::Fatal(format!(
            "the store in Redis has version {version}, this server knows up to {VERSION}: start a server that is as \
             new as the one that made it"
        )));
    }
    match u16::try_from(shards) {
        Ok(shards) if shards > 0 && version == u64::from(VERSION) => Ok(shards),
        _ => Err(unreadable_marks()),
    }
}

fn marks(value: Value) -> Result<(u64, u64), Error> {
    let pair: (String, String) = read(value).map_err(|_| unreadable_marks())?;
    match (pair.0.parse(), pair.1.parse()) {
        (Ok(version), Ok(shards)) => Ok((version, shards)),
        _ => Err(unreadable_marks()),
    }
}

fn unreadable_marks() -> Error {
    Error::Fatal(
        "the hash {PREFIX}:store in Redis has no version and number of shards that a server writes: restore it from a backup"
            .to_owned(),
    )
}

fn unusable(place: &str, fault: Fault) -> Error {
    Error::Fatal(format!("cannot use Redis at {place}: {}", detail(fault)))
}

/// What happened, without what it means for an operation: there was none yet.
fn detail(fault: Fault) -> String {
    match fault {
        Fault::Later(detail) | Fault::Trouble(detail) | Fault::Lost(detail) => detail,
        other => other.error().to_string(),
    }
}
