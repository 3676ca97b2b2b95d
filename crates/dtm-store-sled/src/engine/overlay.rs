//! A batch that is being put together: what its operations have written so far, on top of the tree.

use std::collections::HashMap;

use sled::IVec;

use super::{Source, Value};
use crate::error::Failure;
use crate::journal::Writes;
use crate::schema::{Meta, PART_MAX};
use crate::{keys, schema};

/// The tree, and the writes of the present batch.
#[derive(Debug)]
pub(crate) struct Overlay<'a> {
    tree: &'a sled::Tree,
    writes: HashMap<IVec, Option<IVec>>,
    /// What the batch adds to the number of entries and to the digest; both wrap around.
    entries: u64,
    digest: u64,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(tree: &'a sled::Tree) -> Self {
        Self { tree, writes: HashMap::new(), entries: 0, digest: 0 }
    }

    /// The tree below; without the writes of this batch.
    pub(crate) const fn tree(&self) -> &'a sled::Tree {
        self.tree
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Writes a value, in place of the one that is there.
    pub(crate) fn put(&mut self, key: &[u8], old: Option<&Value>, body: &[&[u8]]) -> Result<(), Failure> {
        let old_parts = old.map_or(0, Value::parts);
        if let Some(old) = old {
            self.forget(old);
        }
        let length: usize = body.iter().map(|piece| piece.len()).sum();
        let mut parts = 0;
        if length <= PART_MAX {
            self.write(key, schema::seal(key, 0, body));
        } else {
            let whole = body.concat();
            let (first, rest) = whole.split_at(PART_MAX);
            let chunks = rest.chunks(PART_MAX);
            // the store refuses such a record before it is queued
            parts = u16::try_from(chunks.len())
                .map_err(|_| Failure::Broken(format!("{length} bytes are too many for one record")))?;
            self.write(key, schema::seal(key, parts, &[first]));
            for (part, chunk) in (0..).zip(chunks) {
                let key = keys::part(key, part);
                let entry = schema::seal(&key, 0, &[chunk]);
                self.write(&key, entry);
            }
        }
        for part in parts..old_parts {
            self.writes.insert(keys::part(key, part).into(), None);
        }
        Ok(())
    }

    /// Removes a value.
    pub(crate) fn remove(&mut self, key: &[u8], old: &Value) {
        self.forget(old);
        self.writes.insert(key.into(), None);
        for part in 0..old.parts() {
            self.writes.insert(keys::part(key, part).into(), None);
        }
    }

    /// All writes, to be made durable and applied at once: in the order of their keys, and behind them the numbers of
    /// the store, which are no part of their own digest.
    pub(crate) fn seal(self, meta: &mut Meta) -> Writes {
        meta.batch += 1;
        meta.entries = meta.entries.wrapping_add(self.entries);
        meta.digest = meta.digest.wrapping_add(self.digest);
        let mut writes: Writes = self.writes.into_iter().collect();
        writes.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let entry = schema::seal(keys::META, 0, &[&meta.to_bytes()]);
        writes.push((keys::META.into(), Some(entry.into())));
        writes
    }

    fn write(&mut self, key: &[u8], entry: Vec<u8>) {
        self.entries = self.entries.wrapping_add(1);
        self.digest = self.digest.wrapping_add(schema::share(&entry));
        self.writes.insert(key.into(), Some(entry.into()));
    }

    fn forget(&mut self, old: &Value) {
        self.entries = self.entries.wrapping_sub(1 + u64::from(old.parts()));
        self.digest = self.digest.wrapping_sub(old.share());
    }
}

impl Source for Overlay<'_> {
    fn entry(&self, key: &[u8]) -> Result<Option<IVec>, sled::Error> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.tree.get(key),
        }
    }
}
