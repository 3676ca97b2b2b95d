//! What is made due now.

use dtm_store::{NodeName, Rescheduled};

use crate::client::Kind;
use crate::fault::Fault;
use crate::reply::read;
use crate::scripts::{Call, RESCHEDULE};
use crate::store::Redis;

impl Redis {
    /// Makes up to `limit` of what is due later than that due now, except what that node holds.
    pub(crate) async fn reschedule(
        &self,
        later_than: u64,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Fault> {
        let one_more = limit.saturating_add(1);
        let calls: Vec<Call> = self
            .keys
            .all()
            .map(|shard| Call::plain(shard.place(), "SMEMBERS").arg(shard.key("holders")))
            .collect();
        let mut indexes = Vec::new();
        for (shard, answer) in self.client.run(Kind::Read, &calls).await.into_iter().enumerate() {
            let holders: Vec<String> = read(answer?)?;
            let others = holders
                .into_iter()
                .filter(|holder| holder.rsplit_once(':').is_none_or(|(node, _)| node != except.as_str()));
            indexes.extend(others.chain([String::new()]).map(|holder| (holder, shard)));
        }
        let call = |(holder, shard): &(String, usize)| {
            let shard = self.keys.shard(*shard);
            Call::plain(shard.place(), "ZRANGEBYSCORE")
                .arg(shard.due(holder))
                .arg(format!("({later_than}"))
                .arg("+inf")
                .arg(&["LIMIT", "0"])
                .arg(one_more)
        };
        let calls: Vec<Call> = indexes.iter().map(call).collect();
        let mut later = Vec::new();
        for ((holder, shard), answer) in indexes.into_iter().zip(self.client.run(Kind::Read, &calls).await) {
            later.extend(read::<Vec<String>>(answer?)?.into_iter().map(|gid| (gid, holder.clone(), shard)));
        }
        let has_remaining = later.len() > limit;
        later.truncate(limit);
        let call = |(gid, holder, shard): &(String, String, usize)| {
            let shard = self.keys.shard(*shard);
            let keys = [shard.record(gid), shard.due(holder), shard.due("")];
            RESCHEDULE.call(shard.place(), &keys).arg(self.given_now()).arg(gid).arg(holder).arg(later_than)
        };
        let calls: Vec<Call> = later.iter().map(call).collect();
        let mut count = 0;
        for answer in self.client.run(Kind::Write, &calls).await {
            count += usize::from(read::<bool>(answer?)?);
        }
        Ok(Rescheduled { count, has_remaining })
    }
}
