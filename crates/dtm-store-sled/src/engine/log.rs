//! The log of sled, and who syncs it.
//!
//! sled uses a segment of its log again once what replaces its content is written, and takes that for durable after a
//! `sync_file_range`, which it is not: a power failure could leave neither the old nor the new. Therefore the log is
//! synced between any two batches, and within a large one. That takes no time of its own: it happens while the journal
//! is synced.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use parking_lot::Mutex;

use crate::error::Failure;

/// The log, opened a second time: any handle syncs the whole file.
#[derive(Debug)]
pub(crate) struct Log {
    file: Arc<File>,
    syncing: Mutex<Syncing>,
}

/// The thread that syncs. It ends with the log.
#[derive(Debug)]
struct Syncing {
    ask: SyncSender<()>,
    answers: Receiver<std::io::Result<()>>,
    is_asked: bool,
}

impl Log {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = Arc::new(OpenOptions::new().read(true).write(true).open(path)?);
        let (ask, asked) = sync_channel::<()>(1);
        let (answer, answers) = sync_channel(1);
        let log = Arc::clone(&file);
        std::thread::Builder::new()
            .name("dtm-log-sync".to_owned())
            .spawn(move || while asked.recv().is_ok() && answer.send(log.sync_data()).is_ok() {})?;
        Ok(Self { file, syncing: Mutex::new(Syncing { ask, answers, is_asked: false }) })
    }

    /// The file, to be synced by somebody else.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Syncs everything that is written now.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }

    /// Has everything synced that is written now, by its thread.
    pub(crate) fn begin_sync(&self) -> Result<(), Failure> {
        self.end_sync()?;
        let mut syncing = self.syncing.lock();
        syncing.ask.send(()).map_err(|_| ended())?;
        syncing.is_asked = true;
        Ok(())
    }

    /// Waits until what was begun has ended.
    pub(crate) fn end_sync(&self) -> Result<(), Failure> {
        let mut syncing = self.syncing.lock();
        if std::mem::take(&mut syncing.is_asked) {
            let result = syncing.answers.recv().map_err(|_| ended())?;
            result.map_err(|error| Failure::Broken(error.to_string()))?;
        }
        Ok(())
    }
}

fn ended() -> Failure {
    Failure::Broken("the thread that syncs has ended".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_is_asked_for_once_and_waited_for_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("db");
        std::fs::write(&path, "content").unwrap();
        let log = Log::open(&path).unwrap();
        log.end_sync().unwrap();
        for _ in 0..3 {
            log.begin_sync().unwrap();
            log.begin_sync().unwrap();
            log.end_sync().unwrap();
            log.end_sync().unwrap();
        }
    }
}
