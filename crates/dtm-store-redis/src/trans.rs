//! Transactions: creation, state, branches.

use std::borrow::Cow;

use dtm_store::Error;
use redis::Value;

use crate::keys::{Shard, holder, holder_of};
use crate::operation::{Appending, Change, Creation, Operation};
use crate::record::head;
use crate::reply::strange;
use crate::store::Redis;

/// What the script that writes is told: keys and arguments of its operations, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Words<'a> {
    pub(crate) keys: Vec<String>,
    pub(crate) arguments: Vec<Cow<'a, str>>,
}

impl<'a> Words<'a> {
    fn keys(&mut self, keys: impl IntoIterator<Item = String>) {
        self.keys.extend(keys);
    }

    fn word(&mut self, word: impl Into<Cow<'a, str>>) -> &mut Self {
        self.arguments.push(word.into());
        self
    }
}

impl Redis {
    /// Adds what the script is told about an operation.
    pub(crate) fn write<'a>(&self, operation: &'a Operation, words: &mut Words<'a>) {
        let shard = self.keys.shard_of(operation.gid().as_str());
        match operation {
            Operation::Create(creation) => create(shard, creation, words),
            Operation::Commit(change) => commit(shard, change, words),
            Operation::Register(appending) => register(shard, appending, words),
        }
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

fn create<'a>(shard: Shard<'_>, creation: &'a Creation, words: &mut Words<'a>) {
    let gid = creation.gid.as_str();
    let holder = holder(&creation.owner.token, creation.owner.held);
    words.keys([shard.record(gid), shard.key("listing"), shard.due(&holder), shard.key("holders")]);
    words
        .word("create")
        .word(gid)
        .word(creation.mode.as_str())
        .word(creation.status.as_str())
        .word(creation.created.to_string())
        .word(creation.due.to_string())
        .word(creation.owner.token.to_string())
        .word(holder)
        .word(&creation.definition)
        .word(&creation.state);
}

/// A time that is missing is the time at which Redis executes this: when it ended, nothing else may be.
fn commit<'a>(shard: Shard<'_>, change: &'a Change, words: &mut Words<'a>) {
    let (gid, expect) = (change.commit.gid.as_str(), &change.commit.expect);
    let (owner, held) = change.owner();
    let (old, new) = (holder_of(&expect.owner), holder(owner, held));
    words.keys([shard.record(gid), shard.due(""), shard.due(&old)]);
    let (name, time) = match change.due {
        Some(due) => {
            words.keys([shard.due(&new), shard.key("holders")]);
            ("commit", Some(due))
        }
        None => ("finish", change.finished),
    };
    words
        .word(name)
        .word(gid)
        .word(expect.status.as_str())
        .word(expect.owner.to_string())
        .word(old)
        .word(expect.registered.to_string())
        .word(change.commit.state.status.as_str())
        .word(owner.to_string())
        .word(new)
        .word(&change.state)
        .word(time.map(|time| time.to_string()).unwrap_or_default());
}

fn register<'a>(shard: Shard<'_>, appending: &'a Appending, words: &mut Words<'a>) {
    let gid = appending.gid.as_str();
    words.keys([shard.record(gid), shard.branches(gid)]);
    words
        .word("register")
        .word(appending.owner.to_string())
        .word(appending.registered.to_string())
        .word(appending.registered.saturating_add(appending.branches.len()).to_string())
        .word(appending.branches.len().to_string());
    words.arguments.extend(appending.branches.iter().map(Cow::from));
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
