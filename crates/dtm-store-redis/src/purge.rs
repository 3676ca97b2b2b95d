//! Removal of what is finished, with everything that leads to it.
//!
//! Listings are in the order in which transactions were recorded, and none finishes before it is recorded: the walk through
//! one ends at the first that was created too late. So no index by end is needed, and no write has to keep one up to date.
//! Ids are no measure of age: after a clock that was ahead they stay ahead.

use std::ops::RangeInclusive;

use crate::client::Kind;
use crate::fault::Fault;
use crate::head::parse;
use crate::reply::read;
use crate::scripts::{Call, PURGE};
use crate::store::Redis;

/// How many entries of a shard are looked at at once, at most.
const STRIDE: usize = 1_000;

/// An entry of the listing of a shard.
struct Entry {
    shard: usize,
    gid: String,
    verdict: Verdict,
}

enum Verdict {
    /// It finished early enough, or there is nothing behind the entry: the script decides.
    Old,
    /// Unfinished, damaged, or of a time that has not come yet.
    Stays,
    /// Whatever follows was recorded later.
    Young,
}

impl Redis {
    pub(crate) async fn purge(&self, finished_before: u64, limit: usize) -> Result<usize, Fault> {
        let now = self.now().await?.as_millis();
        let span = finished_before..=now;
        // what stays; the walk goes on behind it, also that of a later call if this one does not come to the end
        let mut passed = std::mem::take(&mut *self.purge_passed.lock());
        passed.resize(self.keys.shards(), 0);
        let mut ended = vec![false; self.keys.shards()];
        let mut removed = 0;
        while removed < limit {
            let entries = self.oldest(&span, (limit - removed).min(STRIDE), &passed, &mut ended).await?;
            if entries.is_empty() {
                return Ok(removed);
            }
            let (mut calls, mut shards) = (Vec::new(), Vec::new());
            for Entry { shard, gid, verdict } in entries {
                match verdict {
                    _ if ended[shard] => continue,
                    Verdict::Young => {
                        ended[shard] = true;
                        continue;
                    }
                    Verdict::Stays => {
                        passed[shard] += 1;
                        continue;
                    }
                    Verdict::Old if removed + calls.len() == limit => break,
                    Verdict::Old => {}
                }
                let of = self.keys.shard(shard);
                let keys = [of.record(&gid), of.branches(&gid), of.key("listing")];
                calls.push(PURGE.call(of.place(), &keys).arg(&gid).arg(finished_before));
                shards.push(shard);
            }
            for (shard, answer) in shards.into_iter().zip(self.client.run(Kind::Write, &calls).await) {
                match answer.and_then(read::<u8>) {
                    Ok(1) => removed += 1,
                    // an entry without a record: it is gone, and was no transaction
                    Ok(2) => {}
                    Ok(_) | Err(Fault::WrongType(_)) => passed[shard] += 1,
                    Err(fault) => return Err(fault),
                }
            }
        }
        *self.purge_passed.lock() = passed;
        Ok(removed)
    }

    /// The oldest of each shard whose walk has not ended, behind those that were passed.
    async fn oldest(
        &self,
        span: &RangeInclusive<u64>,
        limit: usize,
        passed: &[usize],
        ended: &mut [bool],
    ) -> Result<Vec<Entry>, Fault> {
        let each = limit / self.keys.shards() * 2 + 8;
        let (mut calls, mut numbers) = (Vec::new(), Vec::new());
        for (number, shard) in self.keys.all().enumerate().filter(|(number, _)| !ended[*number]) {
            let listing = Call::plain(shard.place(), "ZRANGE").arg(shard.key("listing"));
            calls.push(listing.arg(passed[number]).arg(passed[number] + each - 1));
            numbers.push(number);
        }
        let mut entries = Vec::new();
        for (shard, answer) in numbers.into_iter().zip(self.client.run(Kind::Read, &calls).await) {
            let gids: Vec<String> = read(answer?)?;
            ended[shard] = gids.is_empty();
            entries.extend(gids.into_iter().map(|gid| Entry { shard, gid, verdict: Verdict::Stays }));
        }
        let call = |one: &Entry| {
            let shard = self.keys.shard(one.shard);
            Call::plain(shard.place(), "HMGET").arg(shard.record(&one.gid)).arg(&["head", "kind"])
        };
        let calls: Vec<Call> = entries.iter().map(call).collect();
        for (one, answer) in entries.iter_mut().zip(self.client.run(Kind::Read, &calls).await) {
            one.verdict = match answer {
                Ok(value) => verdict(read(value)?, span),
                Err(Fault::WrongType(_)) => Verdict::Stays,
                Err(fault) => return Err(fault),
            };
        }
        Ok(entries)
    }
}

/// What becomes of a record, from its head and its kind. The span: from the time before which it has to have finished, to
/// now.
fn verdict((head, kind): (Option<Vec<u8>>, Option<Vec<u8>>), span: &RangeInclusive<u64>) -> Verdict {
    let Some(head) = head else { return Verdict::Old };
    let head = parse(&String::from_utf8_lossy(&head));
    if head.is_ok_and(|(head, time)| head.status.is_final() && time < *span.start()) {
        return Verdict::Old;
    }
    let created = kind.and_then(|kind| String::from_utf8(kind).ok()?.split(' ').nth(1)?.parse::<u64>().ok());
    if created.is_some_and(|created| span.contains(&created)) { Verdict::Young } else { Verdict::Stays }
}
