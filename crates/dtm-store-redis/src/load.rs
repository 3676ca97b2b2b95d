//! Reading transactions.

use redis::Value;

use crate::client::{Insist, Kind};
use crate::fault::Fault;
use crate::record::Record;
use crate::reply::{read, strange};
use crate::scripts::{Call, LOAD};
use crate::store::Redis;

impl Redis {
    /// Records with their branches, each as of one moment; nothing for what is not there. What has another type, or another
    /// shape, is a record that cannot be read.
    pub(crate) async fn load(&self, insist: Insist, gids: &[&str]) -> Vec<Result<Option<Record>, Fault>> {
        let call = |gid: &&str| {
            let shard = self.keys.shard_of(gid);
            LOAD.call(shard.place(), &[shard.record(gid), shard.branches(gid)])
        };
        let calls: Vec<Call> = gids.iter().map(call).collect();
        let answers = self.client.run_as(insist, Kind::Read, &calls).await;
        gids.iter().zip(answers).map(|(gid, answer)| loaded(gid, answer)).collect()
    }

    /// The same, for somebody who relies on it: what too few replicas have may be gone after a fail-over, so it is not
    /// answered before they have it. A write of ours behind it has to arrive first.
    pub(crate) async fn load_confirmed(&self, gid: &str) -> Result<Option<Record>, Fault> {
        let record = self.load_one(gid).await?;
        if record.is_some() && self.client.replicas.is_some() {
            let place = self.keys.shard_of(gid).place();
            let mark = Call::plain(place, "SET").arg(self.keys.any(place)).arg("1");
            self.client.run_one(Kind::Write, mark).await?;
        }
        Ok(record)
    }

    /// One of them, for somebody who waits for it.
    pub(crate) async fn load_one(&self, gid: &str) -> Result<Option<Record>, Fault> {
        self.load(Insist::Persistently, &[gid]).await.into_iter().next().unwrap_or(Ok(None))
    }
}

fn loaded(gid: &str, answer: Result<Value, Fault>) -> Result<Option<Record>, Fault> {
    let value = match answer {
        Ok(Value::Nil) => return Ok(None),
        Ok(value) => value,
        Err(Fault::WrongType(detail)) => return Ok(Some(Record::unreadable(gid, detail))),
        Err(fault) => return Err(fault),
    };
    let parts = read::<Vec<Value>>(value)
        .and_then(|parts| <[Value; 2]>::try_from(parts).map_err(|_| strange(&"a record without branches")));
    let record = parts.and_then(|[fields, branches]| Record::new(gid, fields, Some(branches)));
    Ok(Some(record.unwrap_or_else(|fault| Record::unreadable(gid, fault.error().to_string()))))
}
