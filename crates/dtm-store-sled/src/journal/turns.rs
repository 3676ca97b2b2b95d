//! The two parts, and whose turn it is.

use std::io::ErrorKind;
use std::path::Path;
use std::thread::JoinHandle;

use dtm_store::Error;

use super::part::Part;
use super::record::{self, Writes};
use crate::error::{Failure, damaged, unusable};

/// The names of the parts.
pub(crate) const PARTS: [&str; 2] = ["journal.0", "journal.1"];

/// How many times as long it becomes while the other one waits for its checkpoint; then the writer waits too.
const PATIENCE: u64 = 4;

type Checkpoint = JoinHandle<Result<(), Failure>>;

/// The two parts, one of which is being written.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(super) parts: [Part; 2],
    pub(super) active: usize,
    /// Where the next record begins.
    pub(super) at: u64,
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
        checkpoint: impl FnOnce() -> Result<(), Failure> + Send + 'static,
    ) -> Result<(), Failure> {
        if self.at < self.part_length {
            return Ok(());
        }
        let is_pending = self.checkpoint.as_ref().is_some_and(|checkpoint| !checkpoint.is_finished());
        if is_pending && self.at < PATIENCE * self.part_length {
            return Ok(());
        }
        self.await_checkpoint()?;
        let thread = std::thread::Builder::new().name("dtm-checkpoint".to_owned());
        let running = thread
            .spawn(checkpoint)
            .map_err(|error| Failure::Broken(format!("no thread for a checkpoint: {error}")))?;
        self.checkpoint = Some(running);
        self.active = 1 - self.active;
        self.at = 0;
        Ok(())
    }

    /// Forgets everything. The database has to be durable.
    pub(crate) fn retire(&mut self) -> Result<(), Failure> {
        self.await_checkpoint()?;
        // the older one first: a part without the one after it would read as if the end were lost
        let mut oldest_first: Vec<(u64, &mut Part)> = Vec::with_capacity(2);
        for part in &mut self.parts {
            let first = part.records()?.next()?;
            oldest_first.extend(first.map(|record| (record.batch, part)));
        }
        oldest_first.sort_by_key(|(first, _)| *first);
        for (_, part) in oldest_first {
            part.retire()?;
        }
        self.active = 0;
        self.at = 0;
        Ok(())
    }

    pub(super) fn await_checkpoint(&mut self) -> Result<(), Failure> {
        match self.checkpoint.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Failure::Broken("it panicked while it made a checkpoint".to_owned())),
        }
    }
}
