//! Listings, newest first.
//!
//! Each shard has its transactions in the order of their ids, which are unique there and grow; a listing merges them, by
//! id and shard. Both never change, so each is seen exactly once, whatever happens to others between two pages.

use std::collections::BinaryHeap;

use dtm_store::{Error, Filter, Listed};
use redis::Value;

use crate::client::Kind;
use crate::fault::Fault;
use crate::record::{FIELDS, Record};
use crate::reply::{read, strange};
use crate::scripts::Call;
use crate::store::Redis;

/// How many transactions are compared with a filter at once, at least.
const FILTERED: usize = 256;

/// Where a transaction stands in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) id: u64,
    pub(crate) shard: usize,
}

impl Redis {
    /// Transactions behind a position, and the position of each.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<(Position, Listed)>, Error> {
        let everything = *filter == Filter::default();
        let mut merge = Merge::new(self, after, limit);
        let mut listed = Vec::new();
        while listed.len() < limit {
            let missing = limit - listed.len();
            let wanted = if everything { missing } else { missing.max(FILTERED) };
            let entries = merge.take(wanted).await.map_err(Fault::error)?;
            if entries.is_empty() {
                break;
            }
            let entries = if everything {
                entries
            } else {
                self.matching(filter, entries).await.map_err(Fault::error)?
            };
            for (position, record) in self.records(entries).await.map_err(Fault::error)? {
                match record.listed() {
                    Ok(one) if listed.len() < limit && matches(filter, &one) => {
                        listed.push((position, one));
                    }
                    Ok(_) => {}
                    // It is reported, and stops only itself.
                    Err(damage) => self.damaged.note(damage),
                }
            }
        }
        Ok(listed)
    }

    /// Those that may match, by a look at their small fields. What cannot be read may.
    async fn matching(
        &self,
        filter: &Filter,
        entries: Vec<(Position, String)>,
    ) -> Result<Vec<(Position, String)>, Fault> {
        let answers = self.fields(&entries, &["head", "kind"]).await;
        let mut matching = Vec::new();
        for (entry, answer) in entries.into_iter().zip(answers) {
            let (head, kind): (Option<Vec<u8>>, Option<Vec<u8>>) = match answer.map(read) {
                Ok(Ok(fields)) => fields,
                Ok(Err(_)) | Err(Fault::WrongType(_)) => {
                    matching.push(entry);
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            let absent = head.is_none() && kind.is_none();
            let (status, mode, created) = (word(&head, 0), word(&kind, 0), word(&kind, 1));
            let differs = |found: Option<&str>, wanted: Option<&str>| match (found, wanted) {
                (Some(found), Some(wanted)) => found != wanted,
                _ => false,
            };
            let created = created.and_then(|text| text.parse::<u64>().ok());
            let outside = created.is_some_and(|created| {
                filter.created_from.is_some_and(|from| created < from.as_millis())
                    || filter.created_to.is_some_and(|to| created > to.as_millis())
            });
            if !absent
                && !outside
                && !differs(status, filter.status.map(|status| status.as_str()))
                && !differs(mode, filter.mode.map(|mode| mode.as_str()))
            {
                matching.push(entry);
            }
        }
        Ok(matching)
    }

    /// The records that are still there.
    pub(crate) async fn records(
        &self,
        entries: Vec<(Position, String)>,
    ) -> Result<Vec<(Position, Record)>, Fault> {
        let answers = self.fields(&entries, &FIELDS).await;
        let mut records = Vec::with_capacity(entries.len());
        for ((position, gid), answer) in entries.into_iter().zip(answers) {
            let record = match answer.map(|fields| Record::new(&gid, fields, None)) {
                Ok(Ok(record)) => record,
                Ok(Err(fault)) => Record::unreadable(&gid, fault.error().to_string()),
                Err(Fault::WrongType(detail)) => Record::unreadable(&gid, detail),
                Err(fault) => return Err(fault),
            };
            if !record.is_absent() {
                records.push((position, record));
            }
        }
        Ok(records)
    }

    async fn fields(&self, entries: &[(Position, String)], names: &[&str]) -> Vec<Result<Value, Fault>> {
        let call = |(position, gid): &(Position, String)| {
            let shard = self.keys.shard(position.shard);
            Call::plain(shard.place(), "HMGET").arg(shard.record(gid)).arg(names)
        };
        let calls: Vec<Call> = entries.iter().map(call).collect();
        self.client.run(Kind::Read, &calls).await
    }
}

/// A word of a field; nothing when it is missing.
fn word(field: &Option<Vec<u8>>, number: usize) -> Option<&str> {
    std::str::from_utf8(field.as_deref()?).ok()?.split(' ').nth(number)
}

fn matches(filter: &Filter, listed: &Listed) -> bool {
    let created = listed.definition.created_at;
    filter.status.is_none_or(|status| status == listed.state.status)
        && filter.mode.is_none_or(|mode| mode == listed.definition.plan.mode())
        && filter.created_from.is_none_or(|from| created >= from)
        && filter.created_to.is_none_or(|to| created <= to)
}

/// The entries of all shards, newest first.
struct Merge<'a> {
    redis: &'a Redis,
    /// How many entries a shard is asked for at once.
    stride: usize,
    walks: Vec<Walk>,
    heap: BinaryHeap<(Position, String)>,
}

/// How far one shard was walked.
struct Walk {
    /// The largest id that is not known yet, as Redis wants it; nothing when there is none.
    next: Option<String>,
    /// How many of it wait to be merged.
    waiting: usize,
}

impl<'a> Merge<'a> {
    fn new(redis: &'a Redis, after: Option<Position>, limit: usize) -> Self {
        let next = |shard: usize| match after {
            None => "+inf".to_owned(),
            Some(after) if shard < after.shard => after.id.to_string(),
            Some(after) => format!("({}", after.id),
        };
        let shards = redis.keys.shards();
        let walks = (0..shards).map(|shard| Walk { next: Some(next(shard)), waiting: 0 }).collect();
        Self { redis, stride: (limit / shards * 2 + 4).min(1_000), walks, heap: BinaryHeap::new() }
    }

    /// The next ones.
    async fn take(&mut self, count: usize) -> Result<Vec<(Position, String)>, Fault> {
        let mut taken = Vec::new();
        while taken.len() < count {
            if self.walks.iter().any(|walk| walk.waiting == 0 && walk.next.is_some()) {
                self.walk_on().await?;
            }
            let Some((position, gid)) = self.heap.pop() else { break };
            self.walks[position.shard].waiting -= 1;
            taken.push((position, gid));
        }
        Ok(taken)
    }

    /// Reads on in every shard of which nothing is waiting.
    async fn walk_on(&mut self) -> Result<(), Fault> {
        let (mut calls, mut shards) = (Vec::new(), Vec::new());
        for (number, walk) in self.walks.iter().enumerate().filter(|(_, walk)| walk.waiting == 0) {
            if let Some(next) = &walk.next {
                let shard = self.redis.keys.shard(number);
                let call = Call::plain(shard.place(), "ZREVRANGEBYSCORE")
                    .arg(shard.key("listing"))
                    .arg(next)
                    .arg("-inf")
                    .arg(&["WITHSCORES", "LIMIT", "0"])
                    .arg(self.stride);
                calls.push(call);
                shards.push(number);
            }
        }
        for (shard, answer) in shards.into_iter().zip(self.redis.client.run(Kind::Read, &calls).await) {
            let entries: Vec<(String, String)> = read(answer?)?;
            let walk = &mut self.walks[shard];
            walk.next = if entries.len() < self.stride {
                None
            } else {
                entries.last().map(|(_, id)| format!("({id}"))
            };
            walk.waiting = entries.len();
            for (gid, id) in entries {
                let id = id.parse().map_err(|_| strange(&format!("'{id}' in a listing")))?;
                self.heap.push((Position { id, shard }, gid));
            }
        }
        Ok(())
    }
}
