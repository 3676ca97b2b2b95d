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
        Ok(Self { file, syncing: Mutex::new(Syncing { ask, answers }) })
    }

    /// The file, to be synced by somebody else.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Syncs everything that is written now.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }

    /// Does `work` while its thread syncs everything that is written now, and returns when both have ended.
    pub(crate) fn sync_while<T>(&self, work: impl FnOnce() -> std::io::Result<T>) -> Result<T, Failure> {
        let syncing = self.syncing.lock();
        syncing.ask.send(()).map_err(|_| ended())?;
        let done = work();
        syncing.answers.recv().map_err(|_| ended())??;
        Ok(done?)
    }
}

fn ended() -> Failure {
    Failure::Broken("the thread that syncs has ended".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sync_has_ended_when_what_was_done_meanwhile_is_told() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("db");
        std::fs::write(&path, "content").unwrap();
        let log = Log::open(&path).unwrap();
        for round in 0..3 {
            assert_eq!(log.sync_while(|| Ok(round)).unwrap(), round);
            // an answer that was left behind would be taken for the next one
            assert!(log.sync_while(|| Err::<(), _>(std::io::Error::other("planted"))).is_err());
            assert!(log.syncing.lock().answers.try_recv().is_err(), "round {round}");
        }
    }
}
