//! Transactions: creation, state, branches, removal.

use std::ops::Bound;

use dtm_core::model::{Gid, Timestamp, Transaction};
use dtm_store::codec::{decode_definition, decode_registration, decode_state};
use dtm_store::precondition::Head;
use dtm_store::{Commit, Error, Stored};

use crate::backend::Batch;
use crate::engine::{Source, Value, read};
use crate::error::{Failure, Unreadable};
use crate::keys::{self, Number};
use crate::operation::Output;
use crate::schema::{Row, split_row};

impl Batch<'_> {
    pub(crate) fn create(&mut self, row: &Row, definition: &str, state: &str) -> Result<Output, Failure> {
        let gid_key = keys::gid(&row.gid);
        if self.view.entry(&gid_key)?.is_some() {
            return Err(Error::AlreadyExists(row.gid.to_string()).into());
        }
        let number = self.meta.next;
        let recorded_at = self.meta.recorded_at.max(self.now);
        let row = Row { recorded_at, ..row.clone() };
        // the largest first: it is the only one that can be refused
        self.view.put(&keys::definition(number), 0, &[definition.as_bytes()])?;
        self.view.put(&gid_key, 0, &[&number.0.to_be_bytes()])?;
        self.view.put(&keys::state(number), 0, &[&row.to_bytes(), state.as_bytes()])?;
        self.view.put(&keys::unfinished(number), 0, &[])?;
        self.index.insert(number, &row.head);
        self.meta.next = Number(number.0 + 1);
        self.meta.recorded_at = recorded_at;
        self.meta.transactions += 1;
        self.meta.unfinished += 1;
        Ok(Output::Done)
    }

    pub(crate) fn commit(&mut self, commit: &Commit, state: &str) -> Result<Output, Failure> {
        let found = self.find(&commit.gid)?;
        let (row, _) = found.row().map_err(|error| error.of(&commit.gid))?;
        let head = row.head.committed(commit)?;
        let finished_at = match commit.state.status.is_final() {
            true => Some(commit.state.finished_at.unwrap_or(self.now)),
            false => None,
        };
        let new = Row { head, finished_at, ..row.clone() };
        self.replace(found.number, &found.value, &row.head, &new, state)?;
        Ok(Output::Done)
    }

    pub(crate) fn register(
        &mut self,
        gid: &Gid,
        registered: usize,
        branches: &[String],
    ) -> Result<Output, Failure> {
        let found = self.find(gid)?;
        let (row, state) = found.row().map_err(|error| error.of(gid))?;
        let new = Row { head: row.head.registered(gid, registered, branches.len())?, ..row.clone() };
        let first = branch_index(registered)?;
        branch_index(registered + branches.len())?;
        for (index, branch) in (first..).zip(branches) {
            self.view.put(&keys::branch(found.number, index), 0, &[branch.as_bytes()])?;
        }
        self.replace(found.number, &found.value, &row.head, &new, state)?;
        Ok(Output::Done)
    }

    /// Removes what finished before that time. Transactions are numbered in the order in which they were
    /// recorded, and none finishes before it is recorded, so the walk ends at the first that is too young.
    pub(crate) fn purge(&mut self, finished_before: Timestamp, limit: usize) -> Result<Output, Failure> {
        let mut removed = 0;
        for entry in self.view.tree().scan_prefix([keys::STATE]) {
            let (key, _) = entry?;
            if removed == limit {
                break;
            }
            let Some(number) = keys::number_in(&key) else { continue };
            let value = match read(&self.view, &key) {
                Ok(Some(value)) => value,
                // removed by an earlier operation of this batch; or unreadable, and then it stays for the operator
                Ok(None) | Err(Unreadable::Damaged(_)) => continue,
                Err(error) => return Err(error.of_store("a state")),
            };
            let Ok((row, _)) = split_row(value.body()) else { continue };
            if row.recorded_at >= finished_before {
                break;
            }
            if row.finished_at.is_some_and(|at| at < finished_before) && row.head.status.is_final() {
                self.remove(number, &row, &value)?;
                removed += 1;
            }
        }
        Ok(Output::Purged(removed))
    }

    /// Writes a new head and state, and keeps the index in step.
    pub(crate) fn replace(
        &mut self,
        number: Number,
        old_value: &Value,
        old: &Head,
        new: &Row,
        state: &str,
    ) -> Result<(), Failure> {
        self.view.put(&keys::state(number), old_value.parts(), &[&new.to_bytes(), state.as_bytes()])?;
        if new.head.status.is_final() {
            self.view.remove(&keys::unfinished(number), 0);
            self.meta.unfinished = self.meta.unfinished.saturating_sub(1);
        }
        if (&old.owner, old.due) != (&new.head.owner, new.head.due) {
            self.index.remove(number, old);
            self.index.insert(number, &new.head);
        }
        Ok(())
    }

    fn remove(&mut self, number: Number, row: &Row, value: &Value) -> Result<(), Failure> {
        for index in 0..branch_index(row.head.registered)? {
            self.remove_value(&keys::branch(number, index))?;
        }
        self.remove_value(&keys::definition(number))?;
        self.view.remove(&keys::state(number), value.parts());
        self.view.remove(&keys::gid(&row.gid), 0);
        self.meta.transactions = self.meta.transactions.saturating_sub(1);
        Ok(())
    }

    fn remove_value(&mut self, key: &[u8]) -> Result<(), Failure> {
        let parts = match read(&self.view, key) {
            Ok(value) => value.map_or(0, |value| value.parts()),
            Err(Unreadable::Damaged(_)) => 0,
            Err(error) => return Err(error.of_store("a value")),
        };
        self.view.remove(key, parts);
        Ok(())
    }

    fn find(&self, gid: &Gid) -> Result<Found, Failure> {
        find(&self.view, gid)
            .map_err(|error| error.of(gid))?
            .ok_or_else(|| Failure::Refused(Error::NotFound(gid.to_string())))
    }
}

/// The state of a transaction that was found by its gid.
#[derive(Debug)]
struct Found {
    number: Number,
    value: Value,
}

impl Found {
    fn row(&self) -> Result<(Row, &str), Unreadable> {
        split_row(self.value.body()).map_err(Unreadable::Damaged)
    }
}

fn find(source: &impl Source, gid: &Gid) -> Result<Option<Found>, Unreadable> {
    let Some(value) = read(source, &keys::gid(gid))? else { return Ok(None) };
    let number = <[u8; 8]>::try_from(value.body())
        .map_err(|_| Unreadable::Damaged("the gid has no number".to_owned()))?;
    let number = Number(u64::from_be_bytes(number));
    match read(source, &keys::state(number))? {
        Some(value) => Ok(Some(Found { number, value })),
        None => Err(Unreadable::Damaged("the state is missing".to_owned())),
    }
}

/// The transaction of a gid, as it is stored.
pub(crate) fn load(source: &impl Source, gid: &Gid) -> Result<Option<Stored>, Unreadable> {
    let Some(found) = find(source, gid)? else { return Ok(None) };
    let (row, state) = found.row()?;
    if row.gid != *gid {
        return Err(Unreadable::Damaged(format!("its state belongs to {}", row.gid)));
    }
    assemble(source, found.number, &row, state).map(Some)
}

/// A whole transaction from its row and state.
pub(crate) fn assemble(
    source: &impl Source,
    number: Number,
    row: &Row,
    state: &str,
) -> Result<Stored, Unreadable> {
    let definition = decode_definition(required(source, &keys::definition(number), "definition")?.text()?)?;
    if definition.gid != row.gid {
        return Err(Unreadable::Damaged(format!("its definition belongs to {}", definition.gid)));
    }
    let state = decode_state(state)?;
    if state.status != row.head.status {
        return Err(Unreadable::Damaged("head and state have different statuses".to_owned()));
    }
    let count = u32::try_from(row.head.registered)
        .map_err(|_| Unreadable::Damaged("it has too many branches".to_owned()))?;
    let registrations = (0..count)
        .map(|index| {
            let value = required(source, &keys::branch(number, index), "branch")?;
            Ok(decode_registration(value.text()?)?)
        })
        .collect::<Result<_, Unreadable>>()?;
    Ok(Stored {
        transaction: Transaction { definition, state, registrations },
        owner: row.head.owner.clone(),
        due: row.head.due,
    })
}

/// A value without which the record is damaged.
pub(crate) fn required(source: &impl Source, key: &[u8], what: &str) -> Result<Value, Unreadable> {
    read(source, key)?.ok_or_else(|| Unreadable::Damaged(format!("the {what} is missing")))
}

/// Whether the definition of a transaction is there and its gid leads to it. Looked at when the store is opened.
pub(crate) fn is_whole(source: &impl Source, number: Number, row: &Row) -> Result<bool, Unreadable> {
    let by_gid = read(source, &keys::gid(&row.gid))?;
    let leads_here = by_gid.is_some_and(|value| value.body() == number.0.to_be_bytes());
    Ok(leads_here && source.entry(&keys::definition(number))?.is_some())
}

fn branch_index(index: usize) -> Result<u32, Failure> {
    u32::try_from(index).map_err(|_| {
        Failure::Refused(Error::Rejected {
            what: "the branch".to_owned(),
            detail: "there are too many branches".to_owned(),
        })
    })
}

/// The range of states before a number, for a listing that goes back in time.
pub(crate) fn states_before(number: Option<Number>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let start = Bound::Included(vec![keys::STATE]);
    match number {
        Some(number) => (start, Bound::Excluded(keys::state(number).to_vec())),
        None => (start, Bound::Excluded(vec![keys::STATE + 1])),
    }
}
