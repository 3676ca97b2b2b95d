//! The store in Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dtm_store::group_commit;
use dtm_store::{Clock, Error};
use parking_lot::Mutex;

use crate::RedisConfig;
use crate::backend::{Backend, Wanted, Written};
use crate::client::{Client, Kind, pause};
use crate::eviction::Eviction;
use crate::fault::Fault;
use crate::keys::{Keys, Place};
use crate::lanes::Lanes;
use crate::lease::{KnownDamage, LostClaims};
use crate::open;
use crate::operation::Operation;
use crate::reach::Reach;
use crate::record::damaged_error;
use crate::scripts::Call;

/// A store in Redis, shared by any number of servers.
///
/// Whatever has returned `Ok` was executed by the master, with the durability that it is set up for. An answer that
/// was lost is [`Error::Unavailable`]: the caller reads again before it decides.
#[derive(Debug)]
pub struct RedisStore {
    redis: Arc<Redis>,
    lanes: Lanes,
    /// How long an operation is worth trying.
    worth: Duration,
}

/// What all parts of the store share.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) client: Client,
    pub(crate) keys: Keys,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    /// Milliseconds.
    pub(crate) node_timeout: u64,
    pub(crate) reach: Reach,
    pub(crate) eviction: Eviction,
    /// How far the last purge has come that did not reach the end: in each shard, what stays before it.
    pub(crate) purge_passed: Mutex<Vec<usize>>,
    pub(crate) damaged: KnownDamage,
    pub(crate) lost_claims: LostClaims,
}

impl RedisStore {
    /// Opens the store; an empty one is set up. Needs a tokio runtime. Tries for `connect_timeout` to reach Redis.
    ///
    /// # Errors
    /// [`Error::Fatal`] when Redis cannot be used: not reachable, a wrong password, a replica, too old, an eviction
    /// policy that may drop transactions, or a store of a newer server. The message says what to do.
    pub async fn open(config: RedisConfig) -> Result<Self, Error> {
        let (client, keys) = open::open(&config).await?;
        let redis = Arc::new(Redis {
            client,
            keys,
            clock: config.clock.clone(),
            node_timeout: u64::try_from(config.node_timeout.as_millis()).unwrap_or(u64::MAX),
            reach: match config.clock {
                Some(_) => Reach::given(),
                None => Reach::starting(config.node_timeout),
            },
            eviction: Eviction::checked(),
            purge_passed: Mutex::default(),
            damaged: KnownDamage::default(),
            lost_claims: LostClaims::new(config.response_timeout * 2 + Duration::from_secs(10)),
        });
        let bounds = group_commit::Config {
            committers: config.committers,
            queue_bound: config.queue_bound,
            ..group_commit::Config::default()
        };
        let lanes = Lanes::new(Backend { redis: Arc::clone(&redis) }, bounds);
        Ok(Self { redis, lanes, worth: config.connect_timeout + config.response_timeout })
    }

    pub(crate) const fn shared(&self) -> &Arc<Redis> {
        &self.redis
    }

    pub(crate) fn redis(&self) -> &Redis {
        &self.redis
    }

    pub(crate) const fn queue(&self) -> &Lanes {
        &self.lanes
    }

    /// Has an operation executed, once. What was certainly not executed because its server is in trouble is queued again
    /// for a while, where its server is then.
    pub(crate) async fn write(&self, operation: Operation) -> Result<(), Error> {
        let gid = operation.gid().clone();
        let place = self.redis.keys.shard_of(gid.as_str()).place();
        let operation = Arc::new(operation);
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            let lane = self.lanes.of(&self.redis.client.servers.home(place))?;
            let wanted = Wanted { operation: Arc::clone(&operation), until: begun + self.worth };
            match lane.submit(gid.as_str(), wanted).await? {
                Written::Done => return Ok(()),
                Written::NotYet(fault) if begun.elapsed() >= self.redis.client.persistence => {
                    return Err(fault.error());
                }
                Written::NotYet(_) => {}
                Written::WrongType(fault) => return Err(self.redis.wrong_type(gid.as_str(), fault).await),
            }
            attempt += 1;
            pause(attempt).await;
        }
    }

    pub(crate) async fn shut(&self) {
        self.lanes.close().await;
        self.redis.client.servers.close();
    }
}

impl Redis {
    /// What goes in place of the time of Redis: nothing, outside tests.
    pub(crate) fn given_now(&self) -> String {
        self.clock.as_ref().map(|clock| clock.now().as_millis().to_string()).unwrap_or_default()
    }

    /// Whether it is the record that has another type, or something that the shard shares.
    async fn wrong_type(&self, gid: &str, fault: Fault) -> Error {
        match self.load_one(gid).await.map(|record| record.map(|record| record.stored())) {
            Ok(Some(Err(damage))) => damaged_error(damage),
            Ok(_) | Err(_) => fault.error(),
        }
    }

    /// Writes something on every server that has anything: nothing less shows that writing is possible.
    pub(crate) async fn health(&self) -> Result<(), Fault> {
        let mut places: Vec<(String, Place)> = (0..=self.keys.shards())
            .map(|place| (self.client.servers.home(Place(place)), Place(place)))
            .collect();
        places.sort_unstable();
        places.dedup_by(|one, other| one.0 == other.0);
        let call =
            |(_, place): &(String, Place)| Call::plain(*place, "SET").arg(self.keys.any(*place)).arg("1");
        let calls: Vec<Call> = places.iter().map(call).collect();
        self.client.run(Kind::Write, &calls).await.into_iter().try_for_each(|answer| answer.map(|_| ()))
    }
}
