//! Reading transactions.

use redis::Value;

use crate::client::Kind;
use crate::fault::Fault;
use crate::record::Record;
use crate::reply::{read, strange};
use crate::scripts::{Call, LOAD};
use crate::store::Redis;

impl Redis {
    /// Records with their branches, each as of one moment; nothing for what is not there.
    pub(crate) async fn load(&self, gids: &[&str]) -> Result<Vec<Option<Record>>, Fault> {
        let call = |gid: &&str| {
            let shard = self.keys.shard_of(gid);
            LOAD.call(shard.place(), &[shard.record(gid), shard.branches(gid)])
        };
        let calls: Vec<Call> = gids.iter().map(call).collect();
        let answers = self.client.run(Kind::Read, &calls).await;
        gids.iter()
            .zip(answers)
            .map(|(gid, answer)| match answer? {
                Value::Nil => Ok(None),
                value => {
                    let [fields, branches]: [Value; 2] = read::<Vec<Value>>(value)?
                        .try_into()
                        .map_err(|_| strange(&"a record without branches"))?;
                    Record::new(gid, fields, Some(branches)).map(Some)
                }
            })
            .collect()
    }
}
