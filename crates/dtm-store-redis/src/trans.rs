//! Transactions: creation, state, branches.

use dtm_store::Error;
use redis::Value;

use crate::keys::{holder, holder_of};
use crate::operation::{Appending, Change, Creation, Operation};
use crate::record::head;
use crate::reply::strange;
use crate::scripts::{COMMIT, CREATE, Call, REGISTER};
use crate::store::Redis;

impl Redis {
    /// The script that does it.
    pub(crate) fn write(&self, operation: &Operation) -> Call {
        match operation {
            Operation::Create(creation) => self.create(creation),
            Operation::Commit(change) => self.commit(change),
            Operation::Register(appending) => self.register(appending),
        }
    }

    fn create(&self, creation: &Creation) -> Call {
        let gid = creation.gid.as_str();
        let shard = self.keys.shard_of(gid);
        let holder = holder(&creation.owner.token, creation.owner.held);
        let keys = [shard.record(gid), shard.key("listing"), shard.due(&holder), shard.key("holders")];
        CREATE
            .call(shard.place(), &keys)
            .arg(self.given_now())
            .arg(gid)
            .arg(creation.mode.as_str())
            .arg(creation.status.as_str())
            .arg(creation.created)
            .arg(creation.due)
            .arg(creation.owner.token.to_string())
            .arg(holder)
            .arg(&creation.definition)
            .arg(&creation.state)
    }

    fn commit(&self, change: &Change) -> Call {
        let (gid, expect) = (change.commit.gid.as_str(), &change.commit.expect);
        let shard = self.keys.shard_of(gid);
        let (owner, held) = change.owner();
        let (old, new) = (holder_of(&expect.owner), holder(owner, held));
        let keys = [shard.record(gid), shard.due(""), shard.due(&old), shard.due(&new), shard.key("holders")];
        let time = |time: Option<u64>| time.map(|time| time.to_string()).unwrap_or_default();
        COMMIT
            .call(shard.place(), &keys)
            .arg(self.given_now())
            .arg(gid)
            .arg(expect.status.as_str())
            .arg(expect.owner.to_string())
            .arg(old)
            .arg(expect.registered)
            .arg(change.commit.state.status.as_str())
            .arg(time(change.due))
            .arg(time(change.finished))
            .arg(owner.to_string())
            .arg(new)
            .arg(&change.state)
    }

    fn register(&self, appending: &Appending) -> Call {
        let gid = appending.gid.as_str();
        let shard = self.keys.shard_of(gid);
        REGISTER
            .call(shard.place(), &[shard.record(gid), shard.branches(gid)])
            .arg(appending.owner.to_string())
            .arg(appending.registered)
            .arg(appending.registered.saturating_add(appending.branches.len()))
            .arg(&appending.branches)
    }

    /// What the answer of a script means for its operation.
    pub(crate) fn written(operation: &Operation, answer: Value) -> Result<(), Error> {
        let gid = operation.gid();
        match (operation, answer) {
            (_, Value::Int(1)) => Ok(()),
            (Operation::Create(_), Value::Int(0)) => Err(Error::AlreadyExists(gid.to_string())),
            (_, Value::Int(0)) => Err(Error::NotFound(gid.to_string())),
            (_, found @ Value::Array(_)) => Err(why(operation, found)),
            (_, other) => Err(strange(&format!("{other:?} instead of a result")).error()),
        }
    }
}

/// Why a write took no effect, from what it found.
fn why(operation: &Operation, found: Value) -> Error {
    let gid = operation.gid();
    let head = match head(gid, found) {
        Ok(head) => head,
        Err(error) => return error,
    };
    let again = match operation {
        Operation::Create(_) => return Error::AlreadyExists(gid.to_string()),
        Operation::Commit(change) => head.committed(&change.commit),
        Operation::Register(Appending { owner, registered, .. }) => {
            head.registered(gid, owner, *registered, 0)
        }
    };
    again.err().unwrap_or_else(|| Error::Conflict {
        what: gid.to_string(),
        expected: "what the write was decided on".to_owned(),
        found: format!("{}, as expected, but Redis compares otherwise", head.status),
    })
}
