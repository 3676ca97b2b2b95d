//! The database, behind a journal that makes every batch durable.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use dtm_store::Error;
use parking_lot::{Mutex, RwLock};

use super::{Log, apply};
use crate::error::{Failure, failed};
use crate::folder::{Lock, Mark};
use crate::journal::{Journal, Writes};

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
        log: Log,
        journal: Journal,
        mark: Mark,
        lock: Lock,
    ) -> Self {
        Self {
            path: path.to_owned(),
            database,
            log,
            journal: Mutex::new(journal),
            mark: Mutex::new(mark),
            gate: RwLock::new(()),
            broken: OnceLock::new(),
            _lock: lock,
        }
    }

    pub(crate) fn tree(&self) -> &sled::Tree {
        &self.database
    }

    /// Writes a batch. Once it has returned, the batch is durable; nobody sees anything of it before it is.
    pub(crate) fn write(&self, batch: u64, writes: Writes) -> Result<(), Failure> {
        let mut journal = self.journal.lock();
        // the log has what earlier batches have written; the disk has to be waited for anyway
        self.log.sync_while(|| journal.append(batch, &writes))?;
        self.mark.lock().write(batch)?;
        {
            let _closed = self.gate.write();
            apply(&self.database, &self.log, writes, &mut 0)?;
        }
        let (database, log) = (self.database.clone(), self.log.file());
        journal.turn(move || checkpoint(&database, &log))
    }

    /// Makes everything durable in the database itself, and the journal empty.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        checkpoint(&self.database, &self.log.file())?;
        self.journal.lock().retire()
    }

    /// Makes the mark durable too, for an end in good order.
    pub(crate) fn sync_mark(&self) -> Result<(), Failure> {
        Ok(self.mark.lock().sync()?)
    }

    /// Begins the mark of a new folder.
    pub(crate) fn start_mark(&self) -> Result<(), Failure> {
        self.mark.lock().write(0)?;
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

/// Makes durable in the database itself whatever was put into it.
fn checkpoint(database: &sled::Db, log: &File) -> Result<(), Failure> {
    database.flush()?;
    Ok(log.sync_data()?)
}
