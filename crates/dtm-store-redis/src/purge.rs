//! Removal of what is finished, with everything that leads to it.

use crate::client::Kind;
use crate::fault::Fault;
use crate::reply::read;
use crate::scripts::{Call, PURGE};
use crate::store::Redis;

impl Redis {
    pub(crate) async fn purge(&self, finished_before: u64, limit: usize) -> Result<usize, Fault> {
        // what stays although its time has come is damaged; the walk goes on behind it
        let mut kept = vec![0_usize; self.keys.shards()];
        let mut removed = 0;
        while removed < limit {
            let found = self.finished(finished_before, limit - removed, &kept).await?;
            if found.is_empty() {
                break;
            }
            let call = |(_, gid): &(usize, String)| {
                let shard = self.keys.shard_of(gid);
                let keys =
                    [shard.record(gid), shard.branches(gid), shard.key("finished"), shard.key("listing")];
                PURGE.call(shard.place(), &keys).arg(gid).arg(finished_before)
            };
            let calls: Vec<Call> = found.iter().map(call).collect();
            for ((shard, _), answer) in found.iter().zip(self.client.run(Kind::Write, &calls).await) {
                match read::<u8>(answer?)? {
                    1 => removed += 1,
                    0 => kept[*shard] += 1,
                    _ => {}
                }
            }
        }
        Ok(removed)
    }

    /// The first of each shard, at most `limit` together.
    async fn finished(
        &self,
        before: u64,
        limit: usize,
        skip: &[usize],
    ) -> Result<Vec<(usize, String)>, Fault> {
        let each = limit / self.keys.shards() * 2 + 8;
        let calls: Vec<Call> = self
            .keys
            .all()
            .zip(skip)
            .map(|(shard, skip)| {
                Call::plain(shard.place(), "ZRANGEBYSCORE")
                    .arg(shard.key("finished"))
                    .arg("-inf")
                    .arg(format!("({before}"))
                    .arg("LIMIT")
                    .arg(*skip)
                    .arg(each)
            })
            .collect();
        let mut found = Vec::new();
        for (shard, answer) in self.client.run(Kind::Read, &calls).await.into_iter().enumerate() {
            found.extend(read::<Vec<String>>(answer?)?.into_iter().map(|gid| (shard, gid)));
        }
        found.truncate(limit);
        Ok(found)
    }
}
