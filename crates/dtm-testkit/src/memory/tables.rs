//! Creation, state, branches and listings of transactions.

use std::collections::BTreeMap;
use std::sync::Arc;

use dtm_core::model::{Gid, Registration, State, Timestamp};
use dtm_store::precondition::{Head, check_due};
use dtm_store::{
    Commit, Cursor, Error, Filter, Listed, NewTransaction, NodeName, OwnerToken, Page, Stored, Topic,
};

use super::journal::Before;
use super::nodes::Node;
use super::record::Record;

/// Everything that a store keeps. Cheap to clone: the records are shared.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    pub(super) transactions: BTreeMap<Gid, Arc<Record>>,
    pub(super) creation_order: BTreeMap<u64, Gid>,
    pub(super) next_sequence: u64,
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) nodes: BTreeMap<NodeName, Node>,
    pub(super) journal: Vec<Before>,
}

impl Tables {
    pub(super) fn create(&mut self, new: NewTransaction) -> Result<(), Error> {
        let gid = new.transaction.gid().clone();
        let head = Head::created(&new)?;
        if self.transactions.contains_key(&gid) {
            return Err(Error::AlreadyExists(gid.to_string()));
        }
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let record = Record {
            sequence,
            head,
            definition: new.transaction.definition,
            state: new.transaction.state,
            registrations: Vec::new(),
            damaged: false,
            damage_reported: false,
        };
        self.put_transaction(&gid, Some(Arc::new(record)));
        Ok(())
    }

    pub(super) fn load(&self, gid: &Gid) -> Result<Option<Stored>, Error> {
        self.transactions.get(gid).map(|record| record.readable().map(Record::stored)).transpose()
    }

    pub(super) fn commit(&mut self, commit: Commit) -> Result<(), Error> {
        check_due(&commit)?;
        let record = self.readable(&commit.gid)?;
        let head = record.head.committed(&commit)?;
        let record = Record { head, state: commit.state, ..Record::clone(record) };
        self.put_transaction(&commit.gid, Some(Arc::new(record)));
        Ok(())
    }

    pub(super) fn register_branches(
        &mut self,
        gid: &Gid,
        owner: &OwnerToken,
        registered: usize,
        branches: Vec<Registration>,
    ) -> Result<(), Error> {
        let record = self.readable(gid)?;
        let head = record.head.registered(gid, owner, registered, branches.len())?;
        let mut record = Record { head, ..Record::clone(record) };
        record.registrations.extend(branches);
        self.put_transaction(gid, Some(Arc::new(record)));
        Ok(())
    }

    pub(super) fn scan(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        let end = after.map_or(Ok(u64::MAX), read_cursor)?;
        let mut page = Page { transactions: Vec::new(), next: None };
        for (sequence, gid) in self.creation_order.range(..end).rev() {
            if page.transactions.len() == limit {
                break;
            }
            let Some(record) = self.transactions.get(gid) else { continue };
            let listed = record.readable()?.listed();
            if matches(filter, &listed) {
                page.transactions.push(listed);
                page.next = Some(Cursor(format!("{CURSOR}{sequence}")));
            }
        }
        if page.transactions.len() < limit {
            page.next = None;
        }
        Ok(page)
    }

    pub(super) fn purge(&mut self, finished_before: Timestamp, limit: usize) -> usize {
        let old: Vec<Gid> = self
            .creation_order
            .values()
            .filter(|gid| self.transactions.get(gid).is_some_and(|record| is_old(record, finished_before)))
            .take(limit)
            .cloned()
            .collect();
        for gid in &old {
            self.put_transaction(gid, None);
        }
        old.len()
    }

    /// Makes a record unreadable; says whether there is one.
    pub(super) fn corrupt(&mut self, gid: &Gid) -> bool {
        let Some(record) = self.transactions.get(gid) else { return false };
        let record = Record { damaged: true, ..Record::clone(record) };
        self.put_transaction(gid, Some(Arc::new(record)));
        true
    }

    fn readable(&self, gid: &Gid) -> Result<&Record, Error> {
        self.transactions.get(gid).ok_or_else(|| Error::NotFound(gid.to_string()))?.readable()
    }
}

/// What every cursor of this store begins with.
const CURSOR: &str = "memory:";

fn read_cursor(cursor: &Cursor) -> Result<u64, Error> {
    cursor.0.strip_prefix(CURSOR).and_then(|number| number.parse().ok()).ok_or_else(|| Error::Rejected {
        what: "the cursor".to_owned(),
        detail: "it is not one of this store".to_owned(),
    })
}

fn matches(filter: &Filter, listed: &Listed) -> bool {
    let Filter { status, mode, created_from, created_to } = filter;
    let created_at = listed.definition.created_at;
    status.is_none_or(|status| status == listed.state.status)
        && mode.is_none_or(|mode| mode == listed.definition.plan.mode())
        && created_from.is_none_or(|from| created_at >= from)
        && created_to.is_none_or(|to| created_at <= to)
}

fn is_old(record: &Record, finished_before: Timestamp) -> bool {
    let State { status, finished_at, .. } = &record.state;
    !record.damaged && status.is_final() && finished_at.is_some_and(|at| at < finished_before)
}
