//! Transactions: creation, state, branches, removal.

use std::ops::Bound;

use dtm_core::model::{Definition, Gid, Timestamp, Transaction};
use dtm_store::codec::{decode_definition, decode_registration, decode_state};
use dtm_store::precondition::Head;
use dtm_store::{Commit, Error, Stored};

use crate::backend::Batch;
use crate::engine::{Source, Value, read};
use crate::error::{Failure, Unreadable};
use crate::keys::{self, Number};
use crate::operation::Output;
use crate::schema::{Row, Texts, split_row};

/// The longest definition that is kept, and rewritten, beside the state.
const INLINE_MAX: usize = 2_048;

impl Batch<'_> {
    pub(crate) fn create(&mut self, row: &Row, definition: &str, state: &str) -> Result<Output, Failure> {
        let gid_key = keys::gid(&row.gid);
        if self.view.entry(&gid_key)?.is_some() {
            return Err(Error::AlreadyExists(row.gid.to_string()).into());
        }
        let number = self.meta.next;
        let recorded_at = self.meta.recorded_at.max(self.now);
        let row = Row { recorded_at, ..row.clone() };
        let inline = if definition.len() <= INLINE_MAX { definition } else { "" };
        if inline.is_empty() {
            self.view.put(&keys::definition(number), None, &[definition.as_bytes()])?;
        }
        self.view.put(&gid_key, None, &[&number.0.to_be_bytes()])?;
        let head = row.to_bytes(inline.len());
        self.view.put(&keys::state(number), None, &[&head, inline.as_bytes(), state.as_bytes()])?;
        self.index.insert(number, &row.head);
        self.meta.next = Number(number.0 + 1);
        self.meta.recorded_at = recorded_at;
        Ok(Output::Done)
    }

    pub(crate) fn commit(&mut self, commit: &Commit, state: &str) -> Result<Output, Failure> {
        let found = self.find(&commit.gid)?;
        let (row, texts) = found.row().map_err(|error| error.of(&commit.gid))?;
        let head = row.head.committed(commit)?;
        let finished_at = match commit.state.status.is_final() {
            true => Some(commit.state.finished_at.unwrap_or(self.now)),
            false => None,
        };
        let new = Row { head, finished_at, ..row.clone() };
        self.replace(found.number, &found.value, &row.head, &new, Texts { state, ..texts })?;
        Ok(Output::Done)
    }

    pub(crate) fn register(
        &mut self,
        gid: &Gid,
        registered: usize,
        branches: &[String],
    ) -> Result<Output, Failure> {
        let found = self.find(gid)?;
        let (row, texts) = found.row().map_err(|error| error.of(gid))?;
        let new = Row { head: row.head.registered(gid, registered, branches.len())?, ..row.clone() };
        let first = branch_index(registered)?;
        branch_index(registered + branches.len())?;
        for (index, branch) in (first..).zip(branches) {
            self.view.put(&keys::branch(found.number, index), None, &[branch.as_bytes()])?;
        }
        self.replace(found.number, &found.value, &row.head, &new, texts)?;
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
                removed += usize::from(self.remove(number, &row, &value)?);
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
        texts: Texts<'_>,
    ) -> Result<(), Failure> {
        let head = new.to_bytes(texts.definition.len());
        let body = [&head, texts.definition.as_bytes(), texts.state.as_bytes()];
        self.view.put(&keys::state(number), Some(old_value), &body)?;
        if (&old.owner, old.due) != (&new.head.owner, new.head.due) {
            self.index.remove(number, old);
            self.index.insert(number, &new.head);
        }
        Ok(())
    }

    /// Removes a transaction, unless a part of it cannot be read: then it stays, for the operator.
    fn remove(&mut self, number: Number, row: &Row, value: &Value) -> Result<bool, Failure> {
        let mut others = vec![keys::gid(&row.gid), keys::definition(number).to_vec()];
        others.extend(
            (0..branch_index(row.head.registered)?).map(|index| keys::branch(number, index).to_vec()),
        );
        let mut values = Vec::with_capacity(others.len());
        for key in &others {
            match read(&self.view, key) {
                Ok(value) => values.push(value),
                Err(Unreadable::Damaged(_)) => return Ok(false),
                Err(error) => return Err(error.of_store("a value")),
            }
        }
        for (key, value) in others.iter().zip(&values) {
            if let Some(value) = value {
                self.view.remove(key, value);
            }
        }
        self.view.remove(&keys::state(number), value);
        Ok(true)
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
    fn row(&self) -> Result<(Row, Texts<'_>), Unreadable> {
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
    let (row, texts) = found.row()?;
    if row.gid != *gid {
        return Err(Unreadable::Damaged(format!("its state belongs to {}", row.gid)));
    }
    assemble(source, found.number, &row, texts).map(Some)
}

/// A whole transaction from its row and state.
pub(crate) fn assemble(
    source: &impl Source,
    number: Number,
    row: &Row,
    texts: Texts<'_>,
) -> Result<Stored, Unreadable> {
    let definition = definition_of(source, number, texts)?;
    if definition.gid != row.gid {
        return Err(Unreadable::Damaged(format!("its definition belongs to {}", definition.gid)));
    }
    let state = decode_state(texts.state)?;
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

/// The definition, wherever it is kept.
pub(crate) fn definition_of(
    source: &impl Source,
    number: Number,
    texts: Texts<'_>,
) -> Result<Definition, Unreadable> {
    if texts.definition.is_empty() {
        return Ok(decode_definition(required(source, &keys::definition(number), "definition")?.text()?)?);
    }
    Ok(decode_definition(texts.definition)?)
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
