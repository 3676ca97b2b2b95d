//! When a write is a conflict: the same rules for every store that compares in code.

use dtm_core::model::{Gid, Status, Timestamp, Transaction};

use crate::{Commit, Error, NewOwner, NewTransaction, OwnerToken, Ownership};

/// The part of a stored transaction that later writes are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Where it stands.
    pub status: Status,
    /// Its owner.
    pub owner: Ownership,
    /// How many branches are registered.
    pub registered: usize,
    /// When it can be claimed if nobody holds it; `None` when it is finished.
    pub due: Option<Timestamp>,
}

impl Head {
    /// The head of a transaction that is created.
    ///
    /// # Errors
    /// [`Error::Rejected`] when it is finished already, or has registrations.
    pub fn created(new: &NewTransaction) -> Result<Self, Error> {
        let Transaction { state, registrations, .. } = &new.transaction;
        let gid = new.transaction.gid();
        if state.status.is_final() {
            return Err(rejected(gid, "a transaction cannot be finished before it is created"));
        }
        if !registrations.is_empty() {
            return Err(rejected(gid, "branches are registered after the transaction is created"));
        }
        Ok(Self { status: state.status, owner: new.owner.clone(), registered: 0, due: Some(new.due) })
    }

    /// The head after a write.
    ///
    /// # Errors
    /// [`Error::Conflict`] when this is not what the write expects, or when the transaction is finished.
    pub fn committed(&self, commit: &Commit) -> Result<Self, Error> {
        let expect = &commit.expect;
        let same = !self.status.is_final()
            && self.status == expect.status
            && self.owner.token == expect.owner
            && self.registered == expect.registered;
        if !same {
            let expected =
                format!("{}, owner {}, {} branches", expect.status, expect.owner, expect.registered);
            return Err(self.conflict(&commit.gid, expected));
        }
        let owner = match &commit.owner {
            NewOwner::Keep => Ownership { token: self.owner.token.clone(), held: true },
            NewOwner::Take(token) => Ownership { token: token.clone(), held: true },
            NewOwner::Release => Ownership { token: self.owner.token.clone(), held: false },
        };
        Ok(Self { status: commit.state.status, owner, registered: self.registered, due: commit.due })
    }

    /// The head after `count` branches were registered.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not prepared, or does not have the last owner or the number of branches that
    /// are expected.
    pub fn registered(
        &self,
        gid: &Gid,
        owner: &OwnerToken,
        registered: usize,
        count: usize,
    ) -> Result<Self, Error> {
        if self.status != Status::Prepared || self.owner.token != *owner || self.registered != registered {
            let expected = format!("{}, owner {owner}, {registered} branches", Status::Prepared);
            return Err(self.conflict(gid, expected));
        }
        Ok(Self { registered: registered + count, ..self.clone() })
    }

    /// The head after it was claimed.
    #[must_use]
    pub fn claimed(&self, token: OwnerToken) -> Self {
        Self { owner: Ownership { token, held: true }, ..self.clone() }
    }

    /// The head after it was made due and released; the token stays.
    #[must_use]
    pub fn rescheduled(&self, due: Timestamp) -> Self {
        let owner = Ownership { token: self.owner.token.clone(), held: false };
        Self { owner, due: Some(due), ..self.clone() }
    }

    fn conflict(&self, gid: &Gid, expected: String) -> Error {
        let found = format!("{}, owner {}, {} branches", self.status, self.owner.token, self.registered);
        Error::Conflict { what: gid.to_string(), expected, found }
    }
}

/// Checks that a due time is given if, and only if, the transaction goes on.
///
/// # Errors
/// [`Error::Rejected`] otherwise.
pub fn check_due(commit: &Commit) -> Result<(), Error> {
    match (commit.state.status.is_final(), commit.due) {
        (true, None) | (false, Some(_)) => Ok(()),
        (true, Some(_)) => Err(rejected(&commit.gid, "a finished transaction has no due time")),
        (false, None) => Err(rejected(&commit.gid, "an unfinished transaction needs a due time")),
    }
}

fn rejected(gid: &Gid, detail: &str) -> Error {
    Error::Rejected { what: gid.to_string(), detail: detail.to_owned() }
}
