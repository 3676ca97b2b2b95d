//! DTM's keys in Redis. All of them are in one slot (its prefix is a hash tag), so also in a cluster one server has
//! them all, and it is the one that is asked.
//!
//! | key | what |
//! |---|---|
//! | `P_u` | every unfinished gid by its next try |
//! | `P_g_<gid>` | the record, JSON |
//! | `P_s_<gid>` | its status, which decides |
//! | `P_b_<gid>` | its branches, a list of JSON |
//! | `P_kv_<cat>_<k>` | topics, JSON |

use std::collections::BTreeMap;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisError, cmd, pipe};

use super::redis_records::{branch, global, key_value};
use super::{Item, Output, Source, Watch, Watched};
use crate::{BranchRecord, GlobalRecord, ImportError};

/// How many records are read at once.
pub(super) const PAGE: usize = 200;

pub(super) struct Redis {
    pub(super) connection: MultiplexedConnection,
    prefix: String,
}

impl Redis {
    pub(super) async fn connect(address: &str, prefix: &str) -> Result<Self, ImportError> {
        let client = Client::open(address).map_err(|error| ImportError::Address(error.to_string()))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let index = format!("{prefix}_u");
        let asked: Result<bool, RedisError> = cmd("EXISTS").arg(&index).query_async(&mut connection).await;
        if let Err(error) = asked {
            let detail = match error.redirect_node() {
                Some((node, _)) => {
                    format!("this server of the cluster does not have them: use the address {node}")
                }
                None => error.to_string(),
            };
            return Err(ImportError::Source(detail));
        }
        Ok(Self { connection, prefix: prefix.to_owned() })
    }

    pub(super) fn key(&self, kind: &str, gid: &str) -> String {
        format!("{}_{kind}_{gid}", self.prefix)
    }

    /// The key of the index of unfinished transactions.
    pub(super) fn index_key(&self) -> String {
        format!("{}_u", self.prefix)
    }

    /// A page of the index of unfinished transactions. Nobody changes it, so that positions stay.
    async fn index(&mut self, from: usize) -> Result<Vec<(String, f64)>, RedisError> {
        cmd("ZRANGE")
            .arg(self.index_key())
            .arg(from)
            .arg(from + PAGE - 1)
            .arg("WITHSCORES")
            .query_async(&mut self.connection)
            .await
    }

    pub(super) async fn values(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, RedisError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        cmd("MGET").arg(keys).query_async(&mut self.connection).await
    }

    /// The next page of keys that begin with the prefix and `kind`; 0 after the last one.
    async fn scan(&mut self, kind: &str, cursor: u64) -> Result<(u64, Vec<String>), RedisError> {
        let mut pattern = String::new();
        for c in self.prefix.chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        let pattern = format!("{pattern}_{kind}_*");
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE);
        scan.query_async(&mut self.connection).await
    }

    /// Unfinished transactions with the time of their next try, where the index knows it.
    async fn page(&mut self, page: Vec<(String, Option<f64>)>, output: &Output) -> Result<bool, ImportError> {
        if page.is_empty() {
            return Ok(true);
        }
        let records: Vec<String> = page.iter().map(|(gid, _)| self.key("g", gid)).collect();
        let statuses: Vec<String> = page.iter().map(|(gid, _)| self.key("s", gid)).collect();
        let records = self.values(&records).await?;
        let statuses = self.values(&statuses).await?;
        let mut lists = pipe();
        for (gid, _) in &page {
            lists.cmd("LRANGE").arg(self.key("b", gid)).arg(0).arg(-1);
        }
        let lists: Vec<Vec<Vec<u8>>> = lists.query_async(&mut self.connection).await?;
        for ((((gid, due), record), status), list) in page.into_iter().zip(records).zip(statuses).zip(lists) {
            let item = match assembled(&gid, due, record, status, &list) {
                Ok((global, branches)) => Item::Unfinished(Box::new(global), branches),
                Err(detail) => Item::Unreadable { gid, mode: String::new(), status: String::new(), detail },
            };
            if output.send(item).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn indexed(&mut self, output: &Output) -> Result<bool, ImportError> {
        let mut from = 0;
        loop {
            let page = self.index(from).await?;
            let count = page.len();
            let page = page.into_iter().map(|(gid, score)| (gid, Some(score))).collect();
            if !self.page(page, output).await? {
                return Ok(false);
            }
            if count < PAGE {
                return Ok(true);
            }
            from += count;
        }
    }

    /// Goes through all records: counts what is finished, and finds what is unfinished and in no index.
    async fn all(&mut self, output: &Output) -> Result<(), ImportError> {
        let mut finished: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut cursor = 0;
        loop {
            let (next, keys) = self.scan("g", cursor).await?;
            let start = self.key("g", "").len();
            let mut others = Vec::new();
            for (key, value) in keys.iter().zip(self.values(&keys).await?) {
                let gid = key.get(start..).unwrap_or_default().to_owned();
                match value.as_deref().map(global) {
                    Some(Ok(record)) if matches!(&*record.status, "succeed" | "failed") => {
                        *finished.entry((record.trans_type, record.status)).or_default() += 1;
                    }
                    Some(_) => others.push(gid),
                    None => {} // it has expired just now, so it is finished
                }
            }
            let mut scores = pipe();
            for gid in &others {
                scores.cmd("ZSCORE").arg(self.index_key()).arg(gid);
            }
            if !others.is_empty() {
                let scores: Vec<Option<f64>> = scores.query_async(&mut self.connection).await?;
                let lost = others.into_iter().zip(scores).filter(|(_, score)| score.is_none());
                if !self.page(lost.collect(), output).await? {
                    return Ok(());
                }
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        for ((mode, status), count) in finished {
            if output.send(Item::Finished { mode, status, count }).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn topics(&mut self, output: &Output) -> Result<bool, ImportError> {
        let mut cursor = 0;
        loop {
            let (next, keys) = self.scan("kv", cursor).await?;
            for (key, value) in keys.iter().zip(self.values(&keys).await?) {
                let Some(value) = value else { continue };
                let item = key_value(&value).map_or_else(
                    |detail| Item::UnreadableKeyValue { name: format!("key {key}"), detail },
                    Item::KeyValue,
                );
                if output.send(item).await.is_err() {
                    return Ok(false);
                }
            }
            cursor = next;
            if cursor == 0 {
                return Ok(true);
            }
        }
    }
}

fn assembled(
    gid: &str,
    due: Option<f64>,
    record: Option<Vec<u8>>,
    status: Option<Vec<u8>>,
    branches: &[Vec<u8>],
) -> Result<(GlobalRecord, Vec<BranchRecord>), String> {
    let Some(record) = record else {
        return Err("its record has expired in Redis; only its name is left".to_owned());
    };
    let mut global = global(&record)?;
    if global.gid != gid {
        return Err("its record has another gid than its key".to_owned());
    }
    let Some(status) = status else {
        return Err("its status key has expired in Redis: DTM could not go on with it either".to_owned());
    };
    if status != global.status.as_bytes() {
        let key = String::from_utf8_lossy(&status).into_owned();
        return Err(format!("its record says {} and its status key {key}", global.status));
    }
    if let Some(due) = due {
        global.next_try = Some(seconds_to_millis(due)?);
    }
    let branches = branches.iter().map(|json| branch(json)).collect::<Result<_, _>>()?;
    Ok((global, branches))
}

/// DTM's scores are whole seconds.
fn seconds_to_millis(score: f64) -> Result<u64, String> {
    format!("{:.0}", score * 1_000.0).parse().map_err(|_| format!("its next try is {score}"))
}

#[async_trait]
impl Source for Redis {
    async fn watch(&mut self, watch: Watch) -> Result<Watched, ImportError> {
        self.watched(watch).await
    }

    async fn read(&mut self, output: &Output) -> Result<(), ImportError> {
        let total: u64 = cmd("ZCARD").arg(self.index_key()).query_async(&mut self.connection).await?;
        if output.send(Item::Total(total)).await.is_err() {
            return Ok(());
        }
        // Topics first: a message may name one as soon as it runs.
        if self.topics(output).await? && self.indexed(output).await? {
            self.all(output).await?;
        }
        Ok(())
    }
}
