//! What a start of a node holds, from the indexes of what it has to drive.

use dtm_store::Listed;

use crate::client::Kind;
use crate::fault::Fault;
use crate::reply::read;
use crate::scan::Position;
use crate::scripts::Call;
use crate::store::Redis;

/// How many shards are looked at together.
const SHARDS: usize = 8;

impl Redis {
    /// What it holds in the shards from one on, whole shards until there is enough; the shard to go on with.
    pub(crate) async fn held(
        &self,
        holder: &str,
        mut shard: usize,
        limit: usize,
    ) -> Result<(Vec<Listed>, Option<usize>), Fault> {
        let mut listed = Vec::new();
        while shard < self.keys.shards() && listed.len() < limit {
            let end = (shard + SHARDS).min(self.keys.shards());
            let call = |number: usize| {
                let shard = self.keys.shard(number);
                Call::plain(shard.place(), "ZRANGE").arg(shard.due(holder)).arg(0).arg(-1)
            };
            let calls: Vec<Call> = (shard..end).map(call).collect();
            let mut entries = Vec::new();
            for (number, answer) in (shard..end).zip(self.client.run(Kind::Read, &calls).await) {
                let gids: Vec<String> = read(answer?)?;
                let position = Position { id: 0, shard: number };
                entries.extend(gids.into_iter().map(|gid| (position, gid)));
            }
            for (_, record) in self.records(entries).await? {
                match record.listed() {
                    Ok(one) => listed.push(one),
                    Err(damage) => self.damaged.note(damage),
                }
            }
            shard = end;
        }
        Ok((listed, (shard < self.keys.shards()).then_some(shard)))
    }
}
