//! A prefix in Redis.

use redis::aio::MultiplexedConnection;

use super::Counts;
use crate::arguments::ServiceArguments;

/// Keys that begin with a name of their own.
pub(crate) struct RedisData {
    host: String,
    port: u16,
    password: String,
    prefix: String,
}

impl RedisData {
    pub(super) async fn make(services: &ServiceArguments, prefix: String) -> crate::Result<Self> {
        let port = services
            .redis_port
            .ok_or("REDIS_PORT is not set: --redis-port, or bash tests/services/redis.sh start")?;
        let (host, password) = (services.redis_host.clone(), services.redis_password.clone());
        let data = Self { host, port, password, prefix };
        data.connect().await?;
        Ok(data)
    }

    async fn connect(&self) -> crate::Result<MultiplexedConnection> {
        let client = redis::Client::open(self.address())?;
        let connected = client.get_multiplexed_async_connection().await;
        Ok(connected.map_err(|error| format!("Redis at {}:{}: {error}", self.host, self.port))?)
    }

    fn address(&self) -> String {
        let Self { host, port, password, .. } = self;
        format!("redis://:{password}@{host}:{port}/0")
    }

    /// Removes every key whose name begins with the prefix, braces or not.
    pub(super) async fn remove(&self) -> crate::Result {
        let mut connection = self.connect().await?;
        for pattern in [format!("{}*", self.prefix), format!("{{{}*", self.prefix)] {
            let mut position = 0_u64;
            loop {
                let (next, keys): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
                    .arg(position)
                    .arg("MATCH")
                    .arg(&pattern)
                    .arg("COUNT")
                    .arg(10_000)
                    .query_async(&mut connection)
                    .await?;
                if !keys.is_empty() {
                    redis::cmd("UNLINK").arg(keys).query_async::<()>(&mut connection).await?;
                }
                position = next;
                if position == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn environment(&self, for_dtm: bool) -> Vec<(&'static str, String)> {
        let prefix = if for_dtm { format!("{{{}}}", self.prefix) } else { self.prefix.clone() };
        vec![
            ("STORE_DRIVER", "redis".to_owned()),
            ("STORE_HOST", self.host.clone()),
            ("STORE_PORT", self.port.to_string()),
            ("STORE_PASSWORD", self.password.clone()),
            ("STORE_REDIS_PREFIX", prefix),
        ]
    }

    pub(super) fn url(&self) -> String {
        format!("{}?key_prefix={}:", self.address(), self.prefix)
    }

    /// Commands of the whole server. It does not count its syncs.
    pub(super) async fn counts(&self) -> crate::Result<Counts> {
        let info: String = redis::cmd("INFO").arg("stats").query_async(&mut self.connect().await?).await?;
        let commands = info.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        Ok(Counts { writes: commands.and_then(|count| count.trim().parse().ok()), ..Counts::default() })
    }
}
