//! Whether a DTM works on its keys, and when one last did.
//!
//! A DTM that runs reads the index of unfinished transactions every two to three seconds, also when nothing is due.
//! Redis knows when a key was last used: nothing in here may use that key while it is being watched.

use std::time::Duration;

use redis::{RedisError, cmd};
use tokio::time::{Instant, sleep};

use super::redis::{PAGE, Redis};
use super::redis_records::global;
use super::{Watch, Watched};
use crate::ImportError;

/// How often to look. DTM's pauses are longer, so that between two uses of the key its age is seen to grow.
const PAUSE: Duration = Duration::from_millis(250);

impl Redis {
    pub(super) async fn watched(&mut self, watch: Watch) -> Result<Watched, ImportError> {
        let running = if watch.span.is_zero() { None } else { self.running(watch.span).await? };
        let (seconds, micros): (u64, u64) = cmd("TIME").query_async(&mut self.connection).await?;
        let now = seconds.saturating_mul(1_000).saturating_add(micros / 1_000);
        let others = self.scripting_clients().await.unwrap_or(0);
        let newest = match running {
            Some(_) => None,
            None => self.newest(now, watch.young).await?,
        };
        Ok(Watched { running, newest, now, others })
    }

    async fn running(&mut self, span: Duration) -> Result<Option<String>, ImportError> {
        let used =
            || Some(format!("its key {} was used within {} seconds", self.index_key(), span.as_secs()));
        let (used, begun) = (used(), Instant::now());
        let mut last = self.unused_for().await?;
        while begun.elapsed() < span {
            sleep(PAUSE.min(span)).await;
            let unused = self.unused_for().await?;
            match (last, unused) {
                (Unused::For(before), Unused::For(now)) if now < before => return Ok(used),
                (Unused::NoKey, Unused::For(_)) | (Unused::For(_), Unused::NoKey) => return Ok(used),
                (_, Unused::Unknown(detail)) => return self.by_clients(detail, span).await,
                (_, unused @ (Unused::NoKey | Unused::For(_))) => last = unused,
            }
        }
        match last {
            // Somebody who uses it all the time never lets it grow old. Redis counts whole seconds.
            Unused::For(seconds) if seconds.saturating_add(1) < span.as_secs() => Ok(used),
            Unused::For(_) | Unused::NoKey | Unused::Unknown(_) => Ok(None),
        }
    }

    /// For how many seconds nobody has used the index.
    async fn unused_for(&mut self) -> Result<Unused, ImportError> {
        let key = self.index_key();
        let asked: Result<Option<u64>, RedisError> =
            cmd("OBJECT").arg("IDLETIME").arg(key).query_async(&mut self.connection).await;
        match asked {
            Ok(Some(seconds)) => Ok(Unused::For(seconds)),
            Ok(None) => Ok(Unused::NoKey),
            Err(error) if error.is_io_error() || error.is_timeout() => Err(error.into()),
            Err(error) if error.to_string().contains("no such key") => Ok(Unused::NoKey),
            Err(error) => Ok(Unused::Unknown(error.to_string())),
        }
    }

    /// What is left where Redis does not count: who has run scripts.
    async fn by_clients(&mut self, detail: String, span: Duration) -> Result<Option<String>, ImportError> {
        sleep(span).await;
        match self.scripting_clients().await {
            Some(0) => Ok(None),
            Some(others) => Ok(Some(format!(
                "{others} other connections have run scripts in Redis within the last 4 seconds, as DTM does"
            ))),
            None => Err(ImportError::CannotWatch(detail)),
        }
    }

    /// How many connections have run a script a moment ago, where one may ask for that.
    async fn scripting_clients(&mut self) -> Option<u64> {
        let clients: Result<String, RedisError> =
            cmd("CLIENT").arg("LIST").query_async(&mut self.connection).await;
        clients
            .ok()
            .map(|list| list.lines().filter(|line| polls(line)).count().try_into().unwrap_or(u64::MAX))
    }

    /// When DTM has last written one of its unfinished transactions. Begins with those that are tried last, which were
    /// mostly touched last, and ends with the first that is young.
    async fn newest(&mut self, now: u64, young: Duration) -> Result<Option<u64>, ImportError> {
        let enough = now.saturating_sub(u64::try_from(young.as_millis()).unwrap_or(u64::MAX));
        let mut newest = None;
        let mut from = 0;
        loop {
            let gids: Vec<String> = cmd("ZREVRANGE")
                .arg(self.index_key())
                .arg(from)
                .arg(from + PAGE - 1)
                .query_async(&mut self.connection)
                .await?;
            let keys: Vec<String> = gids.iter().map(|gid| self.key("g", gid)).collect();
            let records = self.values(&keys).await?;
            // One that cannot be read is reported later, when it would be taken.
            let read = records.iter().flatten().filter_map(|json| global(json).ok());
            // Clocks differ; what is yet to come is now.
            newest = read.filter_map(|record| record.updated).map(|at| at.min(now)).chain(newest).max();
            if gids.len() < PAGE || newest.is_some_and(|newest| newest >= enough) {
                return Ok(newest);
            }
            from += PAGE;
        }
    }
}

/// For how long a key was not used.
enum Unused {
    /// So many seconds.
    For(u64),
    /// There is none, so that nothing is unfinished.
    NoKey,
    /// Redis does not say; why.
    Unknown(String),
}

/// Whether a line of `CLIENT LIST` is somebody who ran a script a moment ago, as DTM does every 3 seconds.
fn polls(line: &str) -> bool {
    let value = |name: &str| line.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let idle = value("idle").and_then(|idle| idle.parse::<u64>().ok());
    idle.is_some_and(|idle| idle < 4) && matches!(value("cmd"), Some("eval" | "evalsha"))
}
