//! What the committers are asked for.

use dtm_core::model::{Gid, Mode, Status};
use dtm_store::{Commit, NewOwner, OwnerToken, Ownership};

/// One operation. Whatever has to be written as JSON is JSON already, and every number fits its column: callers do
/// that work, in parallel.
#[derive(Debug)]
pub(crate) enum Operation {
    Create(Creation),
    Commit(Box<Change>),
    Register(Appending),
}

/// A transaction that is to be created.
#[derive(Debug)]
pub(crate) struct Creation {
    pub(crate) gid: Gid,
    pub(crate) mode: Mode,
    pub(crate) status: Status,
    pub(crate) created: i64,
    pub(crate) due: i64,
    pub(crate) owner: Ownership,
    pub(crate) definition: String,
    pub(crate) state: String,
}

/// A state that is to be replaced.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) commit: Commit,
    pub(crate) registered: i32,
    pub(crate) due: Option<i64>,
    pub(crate) finished: Option<i64>,
    pub(crate) state: String,
}

/// Branches that are to be appended.
#[derive(Debug)]
pub(crate) struct Appending {
    pub(crate) gid: Gid,
    pub(crate) owner: OwnerToken,
    pub(crate) registered: i32,
    pub(crate) count: i32,
    pub(crate) branches: Vec<String>,
}

impl Operation {
    /// The transaction.
    pub(crate) const fn gid(&self) -> &Gid {
        match self {
            Self::Create(creation) => &creation.gid,
            Self::Commit(change) => &change.commit.gid,
            Self::Register(appending) => &appending.gid,
        }
    }
}

impl Operation {
    /// What it creates, if it does.
    pub(crate) const fn creation(&self) -> Option<&Creation> {
        match self {
            Self::Create(creation) => Some(creation),
            Self::Commit(_) | Self::Register(_) => None,
        }
    }

    /// The state it replaces, if it does.
    pub(crate) fn change(&self) -> Option<&Change> {
        match self {
            Self::Commit(change) => Some(change),
            Self::Create(_) | Self::Register(_) => None,
        }
    }
}

impl Creation {
    /// How long its texts are.
    pub(crate) fn bytes(&self) -> usize {
        self.definition.len() + self.state.len()
    }
}

impl Change {
    /// The owner after the write: its token, and whether it drives on.
    pub(crate) const fn owner(&self) -> (&OwnerToken, bool) {
        match &self.commit.owner {
            NewOwner::Keep => (&self.commit.expect.owner, true),
            NewOwner::Take(token) => (token, true),
            NewOwner::Release => (&self.commit.expect.owner, false),
        }
    }
}

/// Who holds an unfinished transaction, as the index of what can be claimed has it: `node:epoch`, or nothing when it
/// was released.
pub(crate) fn holder(token: &OwnerToken, held: bool) -> String {
    if held { format!("{}:{}", token.node.as_str(), token.epoch.0) } else { String::new() }
}
