//! The database, behind a journal that makes every batch durable.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use dtm_store::Error;
use parking_lot::{Mutex, RwLock};
use sled::IVec;

use super::log::Log;
use crate::error::{Failure, failed};
use crate::folder::{Lock, Mark};
use crate::journal::{Journal, Writes};

/// How many bytes of entries are put into sled before its log is synced again: see [`Log`]. sled writes some five times
/// as many, and looks at no segment again before it has written two of 512 KiB.
const UNSYNCED_MAX: usize = 128 << 10;

/// An open database.
///
/// sled's `flush` starts the write-back of its log and waits for it (`sync_file_range` on Linux), but it neither
/// makes the growth of the file durable nor empties the cache of the disk. Therefore the file itself is synced as
/// well.
#[derive(Debug)]
pub(crate) struct Engine {
    path: PathBuf,
    database: sled::Db,
    log: Log,
    /// Only the one who writes takes this lock, and keeps it while it waits for the disk.
    journal: Mutex<Journal>,
    mark: Mutex<Mark>,
    /// Lets readers see a batch as a whole or not at all: it is put into sled entry by entry.
    gate: RwLock<()>,
    /// Why nothing can be written any more.
    broken: OnceLock<String>,
    /// Given back last.
    _lock: Lock,
}

impl Engine {
    /// An engine on an open database that has everything which is in the journal.
    pub(crate) fn new(
        path: &Path,
        database: sled::Db,
        log: &Path,
        journal: Journal,
        mark: Mark,
        lock: Lock,
    ) -> std::io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            database,
            log: Log::open(log)?,
            journal: Mutex::new(journal),
            mark: Mutex::new(mark),
            gate: RwLock::new(()),
            broken: OnceLock::new(),
            _lock: lock,
        })
    }

    pub(crate) fn tree(&self) -> &sled::Tree {
        &self.database
    }

    /// Writes a batch. Once it has returned, the batch is durable; nobody sees anything of it before it is.
    pub(crate) fn write(&self, batch: u64, writes: Writes) -> Result<(), Failure> {
        let mut journal = self.journal.lock();
        // of what earlier batches have written; the disk has to be waited for anyway
        self.log.begin_sync()?;
        journal.append(batch, &writes).map_err(broken)?;
        self.mark.lock().write(batch).map_err(broken)?;
        self.log.end_sync()?;
        self.apply(writes)?;
        let (database, log) = (self.database.clone(), self.log.file());
        journal
            .turn(move || {
                database.flush().map_err(|error| error.to_string())?;
                log.sync_data().map_err(|error| error.to_string())
            })
            .map_err(Failure::Broken)
    }

    /// Puts a batch that is durable into sled.
    fn apply(&self, writes: Writes) -> Result<(), Failure> {
        let _closed = self.gate.write();
        let mut unsynced = 0;
        for (key, value) in writes {
            if unsynced > UNSYNCED_MAX {
                self.log.begin_sync()?;
                self.log.end_sync()?;
                unsynced = 0;
            }
            unsynced += key.len() + value.as_ref().map_or(0, |value| value.len());
            put(&self.database, key, value)?;
        }
        Ok(())
    }

    /// Makes everything durable in the database itself, and the journal empty.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        self.log.end_sync()?;
        self.database.flush()?;
        self.log.file().sync_data().map_err(broken)?;
        self.journal.lock().retire().map_err(Failure::Broken)
    }

    /// Makes the mark durable too, for an end in good order.
    pub(crate) fn sync_mark(&self) -> Result<(), Failure> {
        self.mark.lock().sync().map_err(broken)
    }

    /// Begins the mark of a new folder.
    pub(crate) fn start_mark(&self) -> Result<(), Failure> {
        self.mark.lock().write(0).map_err(broken)?;
        self.sync_mark()
    }

    /// Reads something as of one moment. Not for long: batches wait meanwhile.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&sled::Tree) -> T) -> T {
        let _open = self.gate.read();
        read(&self.database)
    }

    #[cfg(test)]
    pub(crate) fn journal_for_tests(&self) -> parking_lot::MutexGuard<'_, Journal> {
        self.journal.lock()
    }

    /// Stops all writes for good.
    pub(crate) fn give_up(&self, detail: &str) -> Error {
        let first = self.broken.get_or_init(|| detail.to_owned());
        tracing::error!(path = %self.path.display(), detail, "the embedded store has failed");
        self.failed(first)
    }

    /// Whether it still works.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.broken.get() {
            None => Ok(()),
            Some(detail) => Err(self.failed(detail)),
        }
    }

    pub(crate) fn failed(&self, detail: &str) -> Error {
        failed(&self.path, detail)
    }
}

/// Writes or removes one entry.
pub(crate) fn put(tree: &sled::Tree, key: IVec, value: Option<IVec>) -> Result<(), sled::Error> {
    match value {
        Some(value) => tree.insert(key, value)?,
        None => tree.remove(key)?,
    };
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn broken(error: std::io::Error) -> Failure {
    Failure::Broken(error.to_string())
}
