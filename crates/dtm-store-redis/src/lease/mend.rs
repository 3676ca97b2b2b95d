//! Entries of indexes to which no record belongs.

use super::strides::Entry;
use crate::client::{Insist, Kind};
use crate::fault::Fault;
use crate::reply::read;
use crate::scripts::{Call, MEND};
use crate::store::Redis;

impl Redis {
    /// Entries to which no record belongs. What others have taken since fits again and stays.
    pub(super) async fn mend(&self, misfits: &[&Entry]) -> Result<(), Fault> {
        let call = |entry: &&Entry| {
            let shard = self.keys.shard_of(&entry.gid);
            let keys = [shard.record(&entry.gid), shard.due(&entry.holder)];
            MEND.call(shard.place(), &keys).arg(&entry.gid).arg(&entry.holder)
        };
        let calls: Vec<Call> = misfits.iter().map(call).collect();
        let mut trouble = None;
        let answers = self.client.run_as(Insist::Briefly, Kind::Write, &calls).await;
        for (entry, answer) in misfits.iter().zip(answers) {
            match answer.and_then(read::<bool>) {
                Ok(true) => {
                    tracing::warn!(gid = entry.gid, "an index of Redis was not as its record; it is mended");
                }
                Ok(false) => {}
                Err(fault) => trouble = Some(fault),
            }
        }
        trouble.map_or(Ok(()), Err)
    }
}
