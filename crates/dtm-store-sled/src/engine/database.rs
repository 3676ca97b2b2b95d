//! The database with a durable barrier, and a view for readers that shows nothing that could still get lost.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use dtm_store::Error;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use super::Overlay;
use crate::error::{Failure, failed};
use crate::folder::{Lock, Mark};

/// An open database.
///
/// sled's `flush` starts the write-back of its log and waits for it (`sync_file_range` on Linux), but it neither
/// makes the growth of the file durable nor empties the cache of the disk. [`write`](Self::write) therefore syncs
/// the file itself.
#[derive(Debug)]
pub(crate) struct Engine {
    path: PathBuf,
    database: sled::Db,
    /// The log of sled, opened a second time: any handle syncs the whole file.
    log: File,
    mark: Mutex<Mark>,
    /// Lets readers see a batch as a whole or not at all: sled shows it entry by entry.
    gate: RwLock<()>,
    /// The last batch that a reader may have seen.
    applied: AtomicU64,
    /// The last batch that is durable; all of them when there will be no further one.
    durable: watch::Sender<u64>,
    /// Why nothing can be written any more.
    broken: OnceLock<String>,
    /// Given back last.
    _lock: Lock,
}

impl Engine {
    /// An engine on an open database whose last batch is `batch`.
    pub(crate) fn new(
        path: &Path,
        database: sled::Db,
        log: &Path,
        mark: Mark,
        batch: u64,
        lock: Lock,
    ) -> std::io::Result<Self> {
        let log = OpenOptions::new().read(true).write(true).open(log)?;
        let (durable, _) = watch::channel(batch);
        Ok(Self {
            path: path.to_owned(),
            database,
            log,
            mark: Mutex::new(mark),
            gate: RwLock::new(()),
            applied: AtomicU64::new(batch),
            durable,
            broken: OnceLock::new(),
            _lock: lock,
        })
    }

    pub(crate) fn tree(&self) -> &sled::Tree {
        &self.database
    }

    /// Writes a batch. Once it has returned, the batch is durable.
    pub(crate) fn write(&self, batch: u64, writes: Overlay<'_>) -> Result<(), Failure> {
        let writes = writes.into_batch();
        self.applied.store(batch, Ordering::SeqCst);
        {
            let _closed = self.gate.write();
            self.database.apply_batch(writes)?;
        }
        self.sync()?;
        self.mark.lock().write(batch).map_err(|error| Failure::Broken(error.to_string()))?;
        self.durable.send_replace(batch);
        Ok(())
    }

    /// Makes everything durable.
    pub(crate) fn sync(&self) -> Result<(), Failure> {
        self.database.flush()?;
        self.log.sync_data().map_err(|error| Failure::Broken(error.to_string()))
    }

    /// Makes the mark durable too, for an end in good order.
    pub(crate) fn sync_mark(&self) -> Result<(), Failure> {
        self.mark.lock().sync().map_err(|error| Failure::Broken(error.to_string()))
    }

    /// Begins the mark of a new folder.
    pub(crate) fn start_mark(&self) -> Result<(), Failure> {
        let batch = self.applied.load(Ordering::SeqCst);
        self.mark.lock().write(batch).map_err(|error| Failure::Broken(error.to_string()))?;
        self.sync_mark()
    }

    /// Reads something as of one moment. Not for long: batches wait meanwhile.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&sled::Tree) -> T) -> T {
        let _open = self.gate.read();
        read(&self.database)
    }

    /// Returns once everything that was read before is durable: no caller may act on what a crash could undo.
    pub(crate) async fn seen(&self) -> Result<(), Error> {
        let seen = self.applied.load(Ordering::SeqCst);
        let mut durable = self.durable.subscribe();
        if durable.wait_for(|durable| *durable >= seen).await.is_err() {
            return Err(self.failed("it was closed while it was read"));
        }
        self.check()
    }

    /// Stops all writes for good.
    pub(crate) fn give_up(&self, detail: &str) -> Error {
        let first = self.broken.get_or_init(|| detail.to_owned());
        self.durable.send_replace(u64::MAX);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{SledConfig, open};

    fn engine() -> (tempfile::TempDir, Arc<Engine>) {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, _) = open::open(&SledConfig::new(folder.path())).unwrap();
        (folder, engine)
    }

    #[tokio::test]
    async fn a_reader_waits_until_what_it_has_seen_is_durable() {
        let (_folder, engine) = engine();
        engine.seen().await.unwrap();
        engine.applied.store(5, Ordering::SeqCst);
        let waiting = tokio::spawn({
            let engine = Arc::clone(&engine);
            async move { engine.seen().await }
        });
        for batch in 1..5 {
            engine.durable.send_replace(batch);
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished(), "batch {batch}");
        }
        engine.durable.send_replace(5);
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_reader_of_a_batch_that_failed_is_told_so() {
        let (_folder, engine) = engine();
        engine.applied.store(5, Ordering::SeqCst);
        engine.give_up("planted");
        let result = engine.seen().await;
        assert!(matches!(result, Err(Error::Fatal(_))), "{result:?}");
    }
}
