//! The embedded store.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dtm_store::Error;
use dtm_store::group_commit::{self, GroupCommit};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::SledConfig;
use crate::backend::{Backend, Writing};
use crate::engine::Engine;
use crate::error::{Failure, damaged};
use crate::open;
use crate::operation::{Operation, Output};

/// Reads at the same time; past it readers wait.
const READERS: usize = 8;

/// A store in a folder of this machine, for one server.
///
/// Whatever has returned `Ok` is on disk, and whatever a read shows is on disk as well. A failure of the disk
/// stops the store for good ([`Error::Fatal`]): nobody can know what was written then, and a restart finds out.
pub struct SledStore {
    path: PathBuf,
    /// `None` when closed. Taken out, so that the folder is free once the last reader has finished.
    engine: Mutex<Option<Arc<Engine>>>,
    queue: GroupCommit<Writing>,
    /// Bounds the threads that read: each costs memory, and the machine has few cores.
    readers: Arc<Semaphore>,
}

impl SledStore {
    /// Opens the store, or creates it. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the folder cannot be used: it is held by another server, damaged, of a newer
    /// format, no store, or not writable. The message says what to do.
    pub async fn open(config: SledConfig) -> Result<Self, Error> {
        let path = config.path.clone();
        let opening = {
            let config = config.clone();
            tokio::task::spawn_blocking(move || open::open(&config))
        };
        let (engine, writer) = match opening.await {
            Ok(opened) => opened?,
            // sled panics on some kinds of damage
            Err(error) => return Err(damaged(&path, &format!("the database cannot be read ({error})"))),
        };
        let backend = Backend::new(Arc::clone(&engine), config.clock, config.node_timeout, writer);
        let bounds = group_commit::Config {
            // one journal, one sync at a time
            committers: NonZeroUsize::MIN,
            queue_bound: config.queue_bound,
            ..group_commit::Config::default()
        };
        let queue = GroupCommit::start(&Arc::new(Writing(Arc::new(backend))), bounds);
        let readers = Arc::new(Semaphore::new(READERS));
        Ok(Self { path, engine: Mutex::new(Some(engine)), queue, readers })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn queue(&self) -> &GroupCommit<Writing> {
        &self.queue
    }

    pub(crate) async fn shut(&self) -> Result<(), Error> {
        self.queue.close().await;
        let Some(engine) = self.engine.lock().take() else { return Ok(()) };
        engine.check()?;
        // the last handle closes the database, which writes
        let closing = tokio::task::spawn_blocking(move || {
            let settled = engine.settle().and_then(|()| engine.sync_mark());
            settled.map_err(|error| match error {
                Failure::Refused(error) => error,
                Failure::Broken(detail) => engine.give_up(&detail),
            })
        });
        match closing.await {
            Ok(result) => result,
            Err(error) => {
                Err(crate::error::failed(&self.path, &format!("it panicked while it was closed: {error}")))
            }
        }
    }

    pub(crate) async fn write(&self, operation: Operation) -> Result<Output, Error> {
        self.queue.submit("", operation).await
    }

    pub(crate) async fn write_only(&self, operation: Operation) -> Result<(), Error> {
        self.write(operation).await.map(|_| ())
    }

    /// Reads on a thread that may wait for the disk. What the engine shows is durable.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.readers).acquire_owned().await.map_err(|_| Error::Closed)?;
        let engine = self.engine.lock().clone().ok_or(Error::Closed)?;
        let reading = Arc::clone(&engine);
        // the thread goes on when its caller has gone away, so the permit is its own
        let reading = move || {
            let result = read(&reading);
            drop(permit);
            result
        };
        let result = match tokio::task::spawn_blocking(reading).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Failure::Refused(error))) => Err(error),
            Ok(Err(Failure::Broken(detail))) => Err(engine.failed(&detail)),
            Err(error) => Err(engine.failed(&format!("a read panicked: {error}"))),
        };
        engine.check()?;
        result
    }

    pub(crate) fn unexpected(&self, output: &Output) -> Error {
        Error::Fatal(format!(
            "the store in {} gave an answer to another question ({output:?}): this is a defect, report it",
            self.path.display()
        ))
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore")
            .field("path", &self.path)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use dtm_store::{NodeName, NodeStore as _, Store as _, TopicStore as _};

    use super::*;

    #[tokio::test]
    async fn a_store_whose_disk_has_failed_neither_writes_nor_shows_anything_and_says_what_to_do() {
        // what a failed flush has left on disk is not known: only a restart finds out
        let folder = tempfile::TempDir::new().unwrap();
        let store = SledStore::open(SledConfig::new(folder.path())).await.unwrap();
        let node = NodeName::parse("a").unwrap();
        store.join(&node).await.unwrap();
        let engine = store.engine.lock().clone().unwrap();
        engine.give_up("planted");
        for result in [
            store.join(&node).await.map(|_| ()),
            store.load_topic("t").await.map(|_| ()),
            store.health().await,
            store.close().await,
        ] {
            let Err(Error::Fatal(message)) = result else { panic!("{result:?}") };
            assert!(message.contains("planted") && message.contains("start the server again"), "{message}");
        }
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_make_room_for_another_thread_that_reads() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = Arc::new(SledStore::open(SledConfig::new(folder.path())).await.unwrap());
        let (begun, mut begins) = tokio::sync::mpsc::channel(READERS + 1);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let read = || {
            let (store, begun, released) = (Arc::clone(&store), begun.clone(), Arc::clone(&released));
            tokio::spawn(async move {
                let slow = move |_: &Engine| {
                    begun.blocking_send(()).ok();
                    released.lock().recv().ok();
                    Ok(())
                };
                store.read(slow).await
            })
        };
        let callers: Vec<_> = (0..READERS).map(|_| read()).collect();
        for _ in 0..READERS {
            begins.recv().await.unwrap();
        }
        for caller in callers {
            caller.abort();
            assert!(caller.await.unwrap_err().is_cancelled());
        }
        let late = read();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.readers.available_permits(), 0, "their threads are still at it");
        assert!(begins.is_empty());
        drop(release);
        late.await.unwrap().unwrap();
    }
}
