//! Transactions: creation, state, branches.

use std::borrow::Cow;

use dtm_core::model::Status;
use dtm_store::{Error, Ownership};
use redis::Value;

use crate::head::{beginning, front};
use crate::keys::{Shard, holder, holder_of};
use crate::operation::{Appending, Change, Creation, Operation};
use crate::record::found;
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
    let Ownership { token, held } = &creation.owner;
    let holder = holder(token, *held);
    words.keys([shard.record(gid), shard.key("listing"), shard.due(&holder), shard.key("holders")]);
    words
        .word("create")
        .word(gid)
        .word(creation.due.to_string())
        .word(holder)
        .word(beginning(&front(creation.status, 0, token), *held) + &creation.due.to_string())
        .word(format!("{} {}", creation.mode.as_str(), creation.created))
        .word(&creation.definition)
        .word(&creation.state);
}

/// When it ended at a time that is not given, that is the time of Redis.
fn commit<'a>(shard: Shard<'_>, change: &'a Change, words: &mut Words<'a>) {
    let (gid, expect) = (change.commit.gid.as_str(), &change.commit.expect);
    let (owner, held) = change.owner();
    let new = front(change.commit.state.status, expect.registered, owner);
    words.keys([shard.record(gid), shard.due(""), shard.due(&holder_of(&expect.owner))]);
    let (name, time) = match change.due {
        Some(_) => ("commit", change.due),
        None => ("finish", change.finished),
    };
    words
        .word(name)
        .word(gid)
        .word(front(expect.status, expect.registered, &expect.owner))
        .word(beginning(&new, held))
        .word(time.map(|time| time.to_string()).unwrap_or_default())
        .word(&change.state);
    if change.due.is_some() {
        let holder = holder(owner, held);
        words.keys([shard.due(&holder), shard.key("holders")]);
        words.word(holder);
    }
}

fn register<'a>(shard: Shard<'_>, appending: &'a Appending, words: &mut Words<'a>) {
    let Appending { gid, owner, registered, branches } = appending;
    words.keys([shard.record(gid.as_str()), shard.branches(gid.as_str())]);
    words
        .word("register")
        .word(front(Status::Prepared, *registered, owner))
        .word(front(Status::Prepared, registered.saturating_add(branches.len()), owner))
        .word(branches.len().to_string());
    words.arguments.extend(branches.iter().map(Cow::from));
}

/// Why a write took no effect, from what it found.
fn why(operation: &Operation, answer: Value) -> Error {
    let gid = operation.gid();
    let head = match found(gid, answer) {
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
