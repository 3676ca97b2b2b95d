//! A prefix of its own for each case, in the Redis or the cluster of the service.

use std::sync::atomic::{AtomicU32, Ordering};

use dtm_store_redis::RedisConfig;
use dtm_testkit::outside::running;
use redis::aio::MultiplexedConnection;

/// Keys under a prefix, removed at the end.
pub(crate) struct Space {
    addresses: Vec<String>,
    password: Option<String>,
    prefix: String,
}

impl Space {
    /// In the single Redis; `None` when there is none.
    pub(crate) fn single() -> Option<Self> {
        let service = running("redis", "REDIS_HOST")?;
        let place = format!("{}:{}", service["REDIS_HOST"], service["REDIS_PORT"]);
        Some(Self::at(vec![place], Some(service["REDIS_PASSWORD"].clone())))
    }

    /// In the cluster; `None` when there is none.
    pub(crate) fn cluster() -> Option<Self> {
        let service = running("redis_cluster", "REDIS_CLUSTER_NODES")?;
        Some(Self::at(service["REDIS_CLUSTER_NODES"].split(',').map(str::to_owned).collect(), None))
    }

    pub(crate) fn at(addresses: Vec<String>, password: Option<String>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("t{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { addresses, password, prefix }
    }

    /// A key of the whole store.
    pub(crate) fn shared(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.prefix)
    }

    pub(crate) fn place(&self) -> &str {
        &self.addresses[0]
    }

    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig {
            password: self.password.clone(),
            prefix: self.prefix.clone(),
            ..RedisConfig::new(self.addresses.clone())
        }
    }

    pub(crate) fn config_at(&self, place: &str) -> RedisConfig {
        RedisConfig { addresses: vec![place.to_owned()], ..self.config() }
    }

    /// Connections beside the store, one to each server.
    pub(crate) async fn connect(&self) -> Vec<MultiplexedConnection> {
        let mut connections = Vec::new();
        for address in &self.addresses {
            connections.push(connect(address, self.password.as_deref()).await);
        }
        connections
    }

    /// All keys of this space on one server.
    pub(crate) async fn keys(&self, connection: &mut MultiplexedConnection) -> Vec<String> {
        let mut keys = Vec::new();
        for pattern in [format!("{{{}}}*", self.prefix), format!("{{{}:*", self.prefix)] {
            let found: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(connection).await.unwrap();
            keys.extend(found);
        }
        keys
    }

    /// The record of a transaction, and a connection to the server that has it.
    pub(crate) async fn record(&self, gid: &str) -> (MultiplexedConnection, String) {
        for mut connection in self.connect().await {
            let end = format!(":transaction:{gid}");
            if let Some(key) = self.keys(&mut connection).await.into_iter().find(|key| key.ends_with(&end)) {
                return (connection, key);
            }
        }
        panic!("there is no record of {gid}");
    }
}

pub(crate) async fn connect(address: &str, password: Option<&str>) -> MultiplexedConnection {
    let secret = password.map(|password| format!(":{password}@")).unwrap_or_default();
    let client = redis::Client::open(format!("redis://{secret}{address}")).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

impl Drop for Space {
    fn drop(&mut self) {
        let space = Self {
            addresses: std::mem::take(&mut self.addresses),
            password: self.password.take(),
            prefix: std::mem::take(&mut self.prefix),
        };
        let removing = std::thread::spawn(move || {
            let space = std::mem::ManuallyDrop::new(space);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for mut connection in space.connect().await {
                    let keys = space.keys(&mut connection).await;
                    for some in keys.chunks(1_000) {
                        let mut pipeline = redis::pipe();
                        for key in some {
                            pipeline.cmd("UNLINK").arg(key).ignore();
                        }
                        pipeline.exec_async(&mut connection).await.unwrap();
                    }
                }
            });
        });
        if removing.join().is_err() {
            eprintln!("keys of a test are left behind");
        }
    }
}
