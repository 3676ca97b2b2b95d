//! The side of the callers.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::iter::Sum;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::committer::{Committer, Queued};
use super::{Backend, Config};
use crate::Error;

/// Collects the operations of many callers into batches.
///
/// Dropping it lets the committers write what was accepted and end; [`close`](Self::close) waits for that.
pub struct GroupCommit<B: Backend> {
    queues: Vec<mpsc::Sender<Queued<B>>>,
    closing: watch::Sender<bool>,
    committers: Mutex<Vec<JoinHandle<()>>>,
    counters: Arc<Counters>,
}

/// What was written since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteStats {
    /// Batches, each of them one durable write of the backend.
    pub batches: u64,
    /// Operations in these batches.
    pub operations: u64,
}

/// What several queues have written together.
impl Sum for WriteStats {
    fn sum<I: Iterator<Item = Self>>(stats: I) -> Self {
        stats.fold(Self::default(), |sum, one| Self {
            batches: sum.batches + one.batches,
            operations: sum.operations + one.operations,
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Accepted and not answered yet.
    pub(super) waiting: AtomicUsize,
    pub(super) batches: AtomicU64,
    pub(super) operations: AtomicU64,
}

impl<B: Backend> GroupCommit<B> {
    /// Starts the committers. Needs a tokio runtime.
    #[must_use]
    pub fn start(backend: &Arc<B>, config: Config) -> Self {
        let (closing, closed) = watch::channel(false);
        let counters = Arc::new(Counters::default());
        let (queues, committers) = (0..config.committers.get())
            .map(|_| {
                let (queue, operations) = mpsc::channel(config.queue_bound.get());
                let committer = Committer {
                    backend: Arc::clone(backend),
                    operations,
                    closing: closed.clone(),
                    counters: Arc::clone(&counters),
                    batch_max: config.batch_max.get(),
                };
                (queue, tokio::spawn(committer.run()))
            })
            .unzip();
        Self { queues, closing, committers: Mutex::new(committers), counters }
    }

    /// Has `operation` executed and returns its result. Operations of one `route` keep their order. Waits while
    /// the queue is full. A caller that goes away while it waits for room has asked for nothing; one that goes
    /// away later only misses the answer.
    ///
    /// # Errors
    /// [`Error::Closed`] after [`close`](Self::close); [`Error::Unavailable`] when the backend panicked;
    /// whatever the backend answers.
    pub async fn submit(&self, route: &str, operation: B::Operation) -> Result<B::Output, Error> {
        let room = self.queue_of(route).reserve().await.map_err(|_| Error::Closed)?;
        let (answer, answered) = oneshot::channel();
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        room.send(Queued { operation, answer });
        answered.await.unwrap_or_else(|_| {
            Err(Error::Unavailable(
                "the task that writes has ended while the operation was queued".to_owned(),
            ))
        })
    }

    /// How many operations are accepted and not answered yet.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.counters.waiting.load(Ordering::Relaxed)
    }

    /// What was written so far.
    #[must_use]
    pub fn stats(&self) -> WriteStats {
        WriteStats {
            batches: self.counters.batches.load(Ordering::Relaxed),
            operations: self.counters.operations.load(Ordering::Relaxed),
        }
    }

    /// Accepts nothing more, and returns once everything that was accepted is executed and answered. May be
    /// called again and by many; each returns when it is done.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        let mut committers = self.committers.lock().await;
        while let Some(committer) = committers.last_mut() {
            if let Err(error) = committer.await {
                tracing::error!(%error, "a committer did not end properly");
            }
            committers.pop();
        }
    }

    fn queue_of(&self, route: &str) -> &mpsc::Sender<Queued<B>> {
        let [only] = self.queues.as_slice() else {
            let mut hasher = DefaultHasher::new();
            route.hash(&mut hasher);
            let queues = self.queues.len() as u64;
            #[expect(clippy::cast_possible_truncation, reason = "the remainder is smaller than a usize")]
            let index = (hasher.finish() % queues) as usize;
            return &self.queues[index];
        };
        only
    }
}

impl<B: Backend> fmt::Debug for GroupCommit<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit")
            .field("committers", &self.queues.len())
            .field("queue_depth", &self.queue_depth())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
