//! Transactions: creation, state, branches.

use dtm_core::model::Gid;
use dtm_store::precondition::Head;
use dtm_store::{Commit, Error, OwnerToken};

use crate::backend::Batch;
use crate::engine::{Source as _, Value};
use crate::error::Failure;
use crate::keys::{self, Number};
use crate::load::{Found, find};
use crate::operation::Output;
use crate::schema::{Row, Texts};

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
        owner: &OwnerToken,
        registered: usize,
        branches: &[String],
    ) -> Result<Output, Failure> {
        let found = self.find(gid)?;
        let (row, texts) = found.row().map_err(|error| error.of(gid))?;
        let new = Row { head: row.head.registered(gid, owner, registered, branches.len())?, ..row.clone() };
        let first = branch_index(registered)?;
        branch_index(registered + branches.len())?;
        for (index, branch) in (first..).zip(branches) {
            self.view.put(&keys::branch(found.number, index), None, &[branch.as_bytes()])?;
        }
        self.replace(found.number, &found.value, &row.head, &new, texts)?;
        Ok(Output::Done)
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

    fn find(&self, gid: &Gid) -> Result<Found, Failure> {
        find(&self.view, gid)
            .map_err(|error| error.of(gid))?
            .ok_or_else(|| Failure::Refused(Error::NotFound(gid.to_string())))
    }
}

pub(crate) fn branch_index(index: usize) -> Result<u32, Failure> {
    u32::try_from(index).map_err(|_| {
        Failure::Refused(Error::Rejected {
            what: "the branch".to_owned(),
            detail: "there are too many branches".to_owned(),
        })
    })
}
