//! Removal of what is finished, with everything that leads to it.
//!
//! Ids grow in the order in which transactions were recorded, and none finishes before it is recorded: the walk through
//! the listing ends at the first that is too young. So no index by end is needed, and no write has to keep one up to date.

use crate::client::Kind;
use crate::fault::Fault;
use crate::head::parse;
use crate::reply::read;
use crate::scripts::{Call, PURGE};
use crate::store::Redis;

/// How many entries of a shard are looked at at once, at most.
const STRIDE: usize = 1_000;

/// An entry of the listing of a shard.
struct Old {
    shard: usize,
    gid: String,
    /// Whether it may have finished early enough.
    finished: bool,
}

impl Redis {
    pub(crate) async fn purge(&self, finished_before: u64, limit: usize) -> Result<usize, Fault> {
        // what stays, unfinished or damaged; the walk goes on behind it
        let mut passed = vec![0_usize; self.keys.shards()];
        let mut removed = 0;
        while removed < limit {
            let old = self.oldest(finished_before, (limit - removed).min(STRIDE), &passed).await?;
            if old.is_empty() {
                break;
            }
            let (mut calls, mut shards) = (Vec::new(), Vec::new());
            for Old { shard, gid, finished } in old {
                if !finished {
                    passed[shard] += 1;
                    continue;
                }
                if removed + calls.len() == limit {
                    break;
                }
                let of = self.keys.shard(shard);
                let keys = [of.record(&gid), of.branches(&gid), of.key("listing")];
                calls.push(PURGE.call(of.place(), &keys).arg(&gid).arg(finished_before));
                shards.push(shard);
            }
            for (shard, answer) in shards.into_iter().zip(self.client.run(Kind::Write, &calls).await) {
                if read::<bool>(answer?)? {
                    removed += 1;
                } else {
                    passed[shard] += 1;
                }
            }
        }
        Ok(removed)
    }

    /// The oldest of each shard, behind those that were passed.
    async fn oldest(&self, before: u64, limit: usize, passed: &[usize]) -> Result<Vec<Old>, Fault> {
        let each = limit / self.keys.shards() * 2 + 8;
        let call = |(shard, passed): (crate::keys::Shard<'_>, &usize)| {
            Call::plain(shard.place(), "ZRANGEBYSCORE")
                .arg(shard.key("listing"))
                .arg("-inf")
                // ids are microseconds
                .arg(format!("({}", before.saturating_mul(1_000)))
                .arg("LIMIT")
                .arg(*passed)
                .arg(each)
        };
        let calls: Vec<Call> = self.keys.all().zip(passed).map(call).collect();
        let mut old = Vec::new();
        for (shard, answer) in self.client.run(Kind::Read, &calls).await.into_iter().enumerate() {
            let gids: Vec<String> = read(answer?)?;
            old.extend(gids.into_iter().map(|gid| Old { shard, gid, finished: false }));
        }
        let call = |one: &Old| {
            let shard = self.keys.shard(one.shard);
            Call::plain(shard.place(), "HGET").arg(shard.record(&one.gid)).arg("head")
        };
        let calls: Vec<Call> = old.iter().map(call).collect();
        for (one, answer) in old.iter_mut().zip(self.client.run(Kind::Read, &calls).await) {
            let head: Option<Vec<u8>> = read(answer?)?;
            let head = head.map(|head| parse(&String::from_utf8_lossy(&head)));
            // what is no head is looked at by the script, which keeps it
            one.finished = head
                .is_none_or(|head| head.map_or(true, |(head, time)| head.status.is_final() && time < before));
        }
        Ok(old)
    }
}
