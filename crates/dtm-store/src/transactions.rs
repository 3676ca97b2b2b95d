//! The role of a store that keeps transactions.
//!
//! A transaction is one record: a definition that is written once, a small state that later writes replace, an
//! owner, and a due time by which it can be claimed. Registered branches are appended beside it.

use dtm_core::model::{Definition, Gid, Mode, Registration, State, Status, Timestamp, Transaction};

use crate::{Epoch, Error, NodeName, OwnerToken, Ownership, TokenSource};

/// A transaction that is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTransaction {
    /// Its content. Registrations must be empty.
    pub transaction: Transaction,
    /// Its first owner, held or not.
    pub owner: Ownership,
    /// When it can be claimed if nobody holds it.
    pub due: Timestamp,
}

/// A transaction as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its content, registrations included.
    pub transaction: Transaction,
    /// Its owner.
    pub owner: Ownership,
    /// When it can be claimed if nobody holds it; `None` when it is finished.
    pub due: Option<Timestamp>,
}

/// A transaction in a listing: everything but its registrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the client asked for.
    pub definition: Definition,
    /// Where it stands.
    pub state: State,
    /// Its owner.
    pub owner: Ownership,
    /// When it can be claimed if nobody holds it; `None` when it is finished.
    pub due: Option<Timestamp>,
}

/// One write of whoever drives a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The transaction.
    pub gid: Gid,
    /// What the write was decided on.
    pub expect: Expect,
    /// The new state.
    pub state: State,
    /// Who owns it afterwards.
    pub owner: NewOwner,
    /// When it can be claimed if nobody holds it; `None` if, and only if, the new status is final.
    pub due: Option<Timestamp>,
}

/// What a write was decided on. Anything else in the store makes it a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The status.
    pub status: Status,
    /// The token of the last owner.
    pub owner: OwnerToken,
    /// How many branches were registered.
    pub registered: usize,
}

/// Who owns a transaction after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewOwner {
    /// The owner that the write expects; it goes on driving, also when it had been released meanwhile.
    Keep,
    /// Somebody new, who drives from now on.
    Take(OwnerToken),
    /// Nobody: it can be claimed when it is due. The token stays, so that later writes must name it.
    Release,
}

/// What a claim brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Transactions that the caller holds now, under fresh tokens.
    pub claimed: Vec<Stored>,
    /// Records that cannot be read. They are left as they are; each is reported once by a process.
    pub damaged: Vec<Damaged>,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its key, as text.
    pub gid: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Which transactions a listing shows. `None`: any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this status.
    pub status: Option<Status>,
    /// Only this mode.
    pub mode: Option<Mode>,
    /// Only created at or after.
    pub created_from: Option<Timestamp>,
    /// Only created at or before.
    pub created_to: Option<Timestamp>,
}

/// Where a listing goes on; opaque text of the store that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The transactions, newest first.
    pub transactions: Vec<Listed>,
    /// Where the next page begins; `None` when fewer than the limit came back.
    pub next: Option<Cursor>,
}

/// What a mass reschedule did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescheduled {
    /// How many became due.
    pub count: usize,
    /// Whether more would match.
    pub has_remaining: bool,
}

/// The statuses of what somebody may have to drive.
const UNFINISHED: [Status; 3] = [Status::Prepared, Status::Submitted, Status::Aborting];

/// The role of a store that keeps transactions.
#[async_trait::async_trait]
pub trait TransactionStore: std::fmt::Debug + Send + Sync {
    /// Creates a transaction. Once it has returned, the transaction is durable, owned and listed.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the gid is taken, by whatever content; nothing has changed then.
    /// [`Error::Rejected`] when it is finished or has registrations before it exists.
    async fn create(&self, new: NewTransaction) -> Result<(), Error>;

    /// The transaction with all its registrations, as of one moment; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the record cannot be read. It is never treated as absent or empty.
    async fn load(&self, gid: &Gid) -> Result<Option<Stored>, Error>;

    /// Replaces the state. Once it has returned, the new state is durable.
    ///
    /// # Errors
    /// [`Error::Conflict`] when status, owner token or number of registrations is not what the write expects,
    /// and always when the transaction is finished (I2); nothing has changed then. [`Error::NotFound`] when
    /// there is no such transaction. [`Error::Rejected`] when the due time does not fit the new status.
    /// [`Error::Damaged`] when what is stored cannot be read.
    async fn commit(&self, commit: Commit) -> Result<(), Error>;

    /// Appends branches to a prepared transaction. Once it has returned, they are durable, and every later
    /// [`load`](Self::load) shows them, in the order of registration. Takes no ownership.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such transaction; [`Error::Conflict`] when it is not prepared, when
    /// `owner` is not the token of its last owner (it may be another transaction that has the gid by now), or
    /// when `registered` is not the number of branches that it has: a concurrent registration came first.
    async fn register_branches(
        &self,
        gid: &Gid,
        owner: &OwnerToken,
        registered: usize,
        branches: Vec<Registration>,
    ) -> Result<(), Error>;

    /// Takes over up to `limit` transactions that are due and not held, or whose node is dead, the longest due
    /// first. Once it has returned, the caller holds each under a fresh token of `tokens`; no two callers ever
    /// get the same one, and nobody gets what that same start of its node holds already. May bring fewer than `limit` even when more are due; it brings none only when none is.
    ///
    /// Whoever asks has to take the answer: a caller that goes away while it waits may leave transactions that a
    /// living node holds and nobody drives.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read or written. A record that cannot be read is no error: it is in
    /// [`Claims::damaged`], and its neighbours are claimed all the same.
    async fn claim_due(&self, tokens: &TokenSource, limit: usize) -> Result<Claims, Error>;

    /// Makes up to `limit` unfinished transactions whose due time is later than `later_than` due now, and
    /// releases them, except those that `except` holds: that node wakes them itself.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read or written.
    async fn reschedule(
        &self,
        later_than: Timestamp,
        limit: usize,
        except: &NodeName,
    ) -> Result<Rescheduled, Error>;

    /// Transactions, newest first, from behind `after`, at most `limit`. A transaction that exists during the
    /// whole listing appears exactly once, however rows change meanwhile.
    ///
    /// # Errors
    /// [`Error::Rejected`] when the cursor is not one of this store; [`Error::Damaged`] when a record cannot
    /// be read, unless the store goes on without it and has the next claim report it in [`Claims::damaged`].
    async fn scan(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page, Error>;

    /// Unfinished transactions among which are all that this start of a node holds, from behind `after`, about `limit` at
    /// most. A store without an index of what a node holds shows all that are unfinished: look at the owner of each.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    async fn held(
        &self,
        _node: &NodeName,
        _epoch: Epoch,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        let foreign = || Error::Rejected {
            what: "the cursor".to_owned(),
            detail: "it is not one of this search: begin anew".to_owned(),
        };
        let (number, within) = match after {
            None => (0, None),
            Some(Cursor(text)) => {
                let (number, within) = text.split_once(':').ok_or_else(foreign)?;
                let number: usize = number.parse().map_err(|_| foreign())?;
                (number, (!within.is_empty()).then(|| Cursor(within.to_owned())))
            }
        };
        let status = *UNFINISHED.get(number).ok_or_else(foreign)?;
        let filter = Filter { status: Some(status), ..Filter::default() };
        let page = self.scan(&filter, within.as_ref(), limit).await?;
        let next = match page.next {
            Some(Cursor(within)) => Some(Cursor(format!("{number}:{within}"))),
            None if number + 1 < UNFINISHED.len() => Some(Cursor(format!("{}:", number + 1))),
            None => None,
        };
        Ok(Page { next, ..page })
    }

    /// Removes up to `limit` transactions that finished before `finished_before`, with their branches, and
    /// says how many. Unfinished ones are never removed (decision 12).
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read or written.
    async fn purge(&self, finished_before: Timestamp, limit: usize) -> Result<usize, Error>;
}
