//! What can be claimed.

use std::collections::BTreeSet;
use std::time::Instant;

use super::strides::{Entry, Strides};
use crate::client::{Insist, Kind};
use crate::fault::Fault;
use crate::keys::Shard;
use crate::reply::read;
use crate::scripts::{Call, FORGET, LOOK};
use crate::store::Redis;

/// What could be claimed, longest due first.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) entries: Vec<Entry>,
    /// When it was known that holders among them are dead.
    pub(super) known_at: Option<Instant>,
}

impl Redis {
    /// What nobody holds and is due, and what dead nodes hold.
    ///
    /// Holders are read before heartbeats: whoever holds anything has joined before, so a holder that is missing among
    /// the living is dead, and not merely younger than the heartbeats that we have read.
    pub(super) async fn look(&self, own: &str, limit: usize) -> Result<Candidates, Fault> {
        let known = self.damaged.gids();
        let stride = limit / self.keys.shards() * 4 + 8 + known.len();
        let mut found = Strides::new(stride);
        let call = |shard: Shard<'_>| {
            LOOK.call(shard.place(), &[shard.key("holders"), shard.due("")]).arg(self.given_now()).arg(stride)
        };
        let calls: Vec<Call> = self.keys.all().map(call).collect();
        let mut holders = BTreeSet::new();
        let mut failed = None;
        for (shard, answer) in
            self.client.run_as(Insist::Briefly, Kind::Read, &calls).await.into_iter().enumerate()
        {
            let (of_shard, entries): (Vec<String>, Vec<(String, String)>) = match answer.and_then(read) {
                Ok(found) => found,
                // One shard that does not answer keeps nobody from what the others have.
                Err(fault) => {
                    failed = failed.or(Some(fault));
                    continue;
                }
            };
            holders.extend(of_shard.into_iter().filter(|holder| holder != own).map(|holder| (holder, shard)));
            self.damaged.note_all(found.add("", entries));
        }
        let mut known_at = None;
        if !holders.is_empty() {
            known_at = Some(Instant::now());
            let alive = self.alive().await?;
            let dead: Vec<_> = holders.into_iter().filter(|(holder, _)| !alive.contains(holder)).collect();
            let trouble = self.look_at(&dead, stride, &mut found).await.err();
            failed = failed.or(trouble);
        }
        let entries = found.longest_due(&known);
        match failed {
            Some(fault) if entries.is_empty() => Err(fault),
            Some(fault) => {
                tracing::warn!(
                    ?fault,
                    "some shards could not be looked at for transactions that nobody drives"
                );
                Ok(Candidates { entries, known_at })
            }
            None => Ok(Candidates { entries, known_at }),
        }
    }

    /// What the dead hold; those that hold nothing any more are forgotten. What cannot be looked at keeps nobody from the
    /// rest, and is the error in the end.
    async fn look_at(
        &self,
        dead: &[(String, usize)],
        stride: usize,
        found: &mut Strides,
    ) -> Result<(), Fault> {
        let call = |(holder, shard): &(String, usize)| {
            let shard = self.keys.shard(*shard);
            Call::plain(shard.place(), "ZRANGE")
                .arg(shard.due(holder))
                .arg(0)
                .arg(stride - 1)
                .arg("WITHSCORES")
        };
        let calls: Vec<Call> = dead.iter().map(call).collect();
        let (mut empty, mut failed) = (Vec::new(), None);
        for ((holder, number), answer) in
            dead.iter().zip(self.client.run_as(Insist::Briefly, Kind::Read, &calls).await)
        {
            let entries: Vec<(String, String)> = match answer.and_then(read) {
                Ok(entries) => entries,
                Err(fault) => {
                    failed = Some(fault);
                    continue;
                }
            };
            if entries.is_empty() {
                let shard = self.keys.shard(*number);
                let keys = [shard.key("holders"), shard.due(holder)];
                empty.push(FORGET.call(shard.place(), &keys).arg(holder));
            }
            self.damaged.note_all(found.add(holder, entries));
        }
        for answer in self.client.run_as(Insist::Briefly, Kind::Write, &empty).await {
            failed = answer.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    }
}
