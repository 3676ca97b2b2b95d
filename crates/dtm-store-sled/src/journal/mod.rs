//! The journal: what makes a batch durable.
//!
//! sled needs two writes and two waits for the disk until a batch is durable, and wakes all its threads for each of
//! them. So a batch is appended here first, in one write and one sync; then it is acknowledged and put into sled,
//! which writes it when it has enough of it (write-ahead logging with redo records of whole entries: Gray and Reuter,
//! *Transaction Processing*, 1993, chapter 10).
//!
//! There are two parts, used in turn. Whoever leaves a full part has a checkpoint made: sled is flushed and synced.
//! A part is written again from its beginning once its checkpoint has ended, so the two always hold everything
//! that sled may lose, without a gap. When the folder is opened after a crash, all of it is written once more, in
//! order: whatever part of it sled has kept, the result is the same.

mod part;
mod record;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::io::ErrorKind;
use std::path::Path;
use std::thread::JoinHandle;

use dtm_store::Error;
use sled::IVec;

use crate::error::{damaged, unusable};
use part::{Part, Record};

/// The names of the parts.
pub(crate) const PARTS: [&str; 2] = ["journal.0", "journal.1"];

/// How many times as long it becomes while the other one waits for its checkpoint; then the writer waits too.
const PATIENCE: u64 = 4;

/// The writes of a batch in the order in which they are applied. `None` removes the key.
pub(crate) type Writes = Vec<(IVec, Option<IVec>)>;

type Checkpoint = JoinHandle<Result<(), String>>;

/// The two parts, one of which is being written.
#[derive(Debug)]
pub(crate) struct Journal {
    parts: [Part; 2],
    active: usize,
    /// Where the next record begins.
    at: u64,
    /// Where it is full.
    part_length: u64,
    /// Frees the part that is not active, as soon as it has ended.
    checkpoint: Option<Checkpoint>,
}

impl Journal {
    /// Opens the parts, to be read first. One that has `part_length` bytes is full.
    pub(crate) fn open(folder: &Path, create: bool, part_length: u64) -> Result<Self, Error> {
        let open = |name: &str| {
            Part::open(&folder.join(name), create).map_err(|error| match error.kind() {
                ErrorKind::NotFound => damaged(folder, &format!("the file '{name}' is missing")),
                _ => unusable(folder, &format!("open the file '{name}'"), &error),
            })
        };
        let parts = [open(PARTS[0])?, open(PARTS[1])?];
        Ok(Self { parts, active: 0, at: 0, part_length, checkpoint: None })
    }

    /// Has all batches that sled may have lost written again. `reached` is the last one that it has something of;
    /// the journal does not end before that. Gives the number of batches.
    pub(crate) fn replay(
        &self,
        folder: &Path,
        reached: u64,
        write: impl FnMut(Writes) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let Some((first, last)) = self.walk(folder, |_| Ok(()))? else { return Ok(0) };
        if first > reached + 1 || last < reached {
            let detail = format!(
                "its journal has the batches {first} to {last}, and its database is at batch {reached}"
            );
            return Err(damaged(folder, &detail));
        }
        self.walk(folder, write)?;
        Ok(last - first + 1)
    }

    /// Makes a batch durable. It may be applied once this has returned, and not before: sled may write at any
    /// moment, and half a batch in it can only be completed from here.
    pub(crate) fn append(&mut self, batch: u64, writes: &Writes) -> std::io::Result<()> {
        let record = record::encode(batch, writes)?;
        self.parts[self.active].write(self.at, &record)?;
        self.at += record.len() as u64;
        Ok(())
    }

    /// Turns to the other part when the active one is full and the other one free. Everything that was appended has
    /// to be applied. `checkpoint` makes it durable in the database; it has a thread of its own.
    pub(crate) fn turn(
        &mut self,
        checkpoint: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<(), String> {
        if self.at < self.part_length {
            return Ok(());
        }
        let is_pending = self.checkpoint.as_ref().is_some_and(|checkpoint| !checkpoint.is_finished());
        if is_pending && self.at < PATIENCE * self.part_length {
            return Ok(());
        }
        self.await_checkpoint()?;
        let thread = std::thread::Builder::new().name("dtm-checkpoint".to_owned());
        let running =
            thread.spawn(checkpoint).map_err(|error| format!("no thread for a checkpoint: {error}"))?;
        self.checkpoint = Some(running);
        self.active = 1 - self.active;
        self.at = 0;
        Ok(())
    }

    /// Forgets everything. The database has to be durable.
    pub(crate) fn retire(&mut self) -> Result<(), String> {
        self.await_checkpoint()?;
        // the older one first: a part without the one after it would read as if the end were lost
        let mut oldest_first: Vec<(u64, &mut Part)> = Vec::with_capacity(2);
        for part in &mut self.parts {
            let first =
                part.records().and_then(|mut records| records.next()).map_err(|error| error.to_string())?;
            oldest_first.extend(first.map(|record| (record.batch, part)));
        }
        oldest_first.sort_by_key(|(first, _)| *first);
        for (_, part) in oldest_first {
            part.retire().map_err(|error| error.to_string())?;
        }
        self.active = 0;
        self.at = 0;
        Ok(())
    }

    fn await_checkpoint(&mut self) -> Result<(), String> {
        match self.checkpoint.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err("it panicked while it made a checkpoint".to_owned()),
        }
    }

    /// Visits all batches in order; the first and the last one, if there are any.
    fn walk(
        &self,
        folder: &Path,
        mut visit: impl FnMut(Writes) -> Result<(), Error>,
    ) -> Result<Option<(u64, u64)>, Error> {
        let failed = |error: &std::io::Error| unusable(folder, "read the journal", error);
        let mut parts = Vec::with_capacity(2);
        for part in &self.parts {
            let mut records = part.records().map_err(|error| failed(&error))?;
            if let Some(first) = records.next().map_err(|error| failed(&error))? {
                parts.push((first, records));
            }
        }
        parts.sort_by_key(|(first, _)| Reverse(first.batch));
        let mut range: Option<(u64, u64)> = None;
        while let Some((first, mut records)) = parts.pop() {
            if let Some((_, last)) = range
                && first.batch != last + 1
            {
                let detail = format!("in its journal batch {last} is followed by batch {}", first.batch);
                return Err(damaged(folder, &detail));
            }
            let mut next = Some(first);
            while let Some(Record { batch, writes }) = next {
                let Some(writes) = writes else {
                    return Err(damaged(folder, &format!("batch {batch} of its journal makes no sense")));
                };
                visit(writes)?;
                range = Some((range.map_or(batch, |(first, _)| first), batch));
                // what has another number was left there by an earlier turn
                next = records.next().map_err(|error| failed(&error))?.filter(|next| next.batch == batch + 1);
            }
        }
        Ok(range)
    }
}
