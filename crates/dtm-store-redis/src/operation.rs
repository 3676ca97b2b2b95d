//! What the committers are asked for.

use dtm_core::model::{Gid, Mode, Status};
use dtm_store::{Commit, NewOwner, OwnerToken, Ownership};

/// One operation. Whatever has to be written as JSON is JSON already: callers do that work, in parallel.
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
    pub(crate) created: u64,
    pub(crate) due: u64,
    pub(crate) owner: Ownership,
    pub(crate) definition: String,
    pub(crate) state: String,
}

/// A state that is to be replaced.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) commit: Commit,
    pub(crate) due: Option<u64>,
    pub(crate) finished: Option<u64>,
    pub(crate) state: String,
}

/// Branches that are to be appended.
#[derive(Debug)]
pub(crate) struct Appending {
    pub(crate) gid: Gid,
    pub(crate) owner: OwnerToken,
    pub(crate) registered: usize,
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

    /// How long its texts are together, in bytes; what all operations need is not counted.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Create(creation) => creation.definition.len() + creation.state.len(),
            Self::Commit(change) => change.state.len(),
            Self::Register(appending) => appending.branches.iter().map(|text| text.len() + 16).sum(),
        }
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
