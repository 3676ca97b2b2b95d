//! The side of the backend: one task that turns whatever is queued into a batch.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot, watch};

use super::Backend;
use super::queue::Counters;
use crate::Error;

type Answer<B> = Result<<B as Backend>::Output, Error>;

/// An operation and whoever waits for its result.
pub(super) struct Queued<B: Backend> {
    pub(super) operation: B::Operation,
    pub(super) answer: oneshot::Sender<Answer<B>>,
}

pub(super) struct Committer<B: Backend> {
    pub(super) backend: Arc<B>,
    pub(super) operations: mpsc::Receiver<Queued<B>>,
    pub(super) closing: watch::Receiver<bool>,
    pub(super) counters: Arc<Counters>,
    pub(super) batch_max: usize,
}

impl<B: Backend> Committer<B> {
    /// Executes batches until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        let mut queued = Vec::with_capacity(self.batch_max);
        loop {
            tokio::select! {
                biased;
                closing = wait_for_close(&mut self.closing), if !self.operations.is_closed() => {
                    tracing::debug!(?closing, "the queue accepts nothing more");
                    self.operations.close();
                }
                count = self.operations.recv_many(&mut queued, self.batch_max) => {
                    if count == 0 {
                        return;
                    }
                    self.execute(&mut queued).await;
                }
            }
        }
    }

    async fn execute(&self, queued: &mut Vec<Queued<B>>) {
        let (operations, waiting): (Vec<_>, Vec<_>) =
            queued.drain(..).map(|Queued { operation, answer }| (operation, answer)).unzip();
        let operations = Arc::new(operations);
        let error = match self.attempt(&operations).await {
            Ok(results) => {
                for (answer, result) in waiting.into_iter().zip(results) {
                    self.answer(answer, result);
                }
                return;
            }
            Err(error) => error,
        };
        match Arc::into_inner(operations) {
            Some(operations) if error.happened() == Some(false) && operations.len() > 1 => {
                tracing::debug!(%error, count = operations.len(), "a batch failed, its operations go one by one");
                self.execute_one_by_one(operations, waiting).await;
            }
            Some(_) | None => {
                for answer in waiting {
                    self.answer(answer, Err(error.clone()));
                }
            }
        }
    }

    /// Only the operation to blame fails. When nobody knows what happened to one of them the store is in
    /// trouble, and the rest is not tried: each might wait for the same time-out.
    async fn execute_one_by_one(
        &self,
        operations: Vec<B::Operation>,
        waiting: Vec<oneshot::Sender<Answer<B>>>,
    ) {
        let mut trouble: Option<Error> = None;
        for (operation, answer) in operations.into_iter().zip(waiting) {
            let result = match &trouble {
                Some(error) => Err(error.clone()),
                None => match self.attempt(&Arc::new(vec![operation])).await {
                    Ok(mut results) => results.pop().unwrap_or_else(|| Err(no_result())),
                    Err(error) => {
                        trouble = error.happened().is_none().then(|| error.clone());
                        Err(error)
                    }
                },
            };
            self.answer(answer, result);
        }
    }

    /// One batch, with a panic of the backend contained.
    async fn attempt(&self, operations: &Arc<Vec<B::Operation>>) -> Result<Vec<Answer<B>>, Error> {
        let count = operations.len();
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        self.counters.operations.fetch_add(count as u64, Ordering::Relaxed);
        match AssertUnwindSafe(self.backend.execute(Arc::clone(operations))).catch_unwind().await {
            Ok(Ok(results)) if results.len() != count => Err(no_result()),
            Ok(results) => results,
            Err(_) => {
                tracing::error!(count, "the store panicked while it wrote a batch");
                Err(Error::Unavailable("the store panicked while it wrote".to_owned()))
            }
        }
    }

    fn answer(&self, answer: oneshot::Sender<Answer<B>>, result: Answer<B>) {
        self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
        if answer.send(result).is_err() {
            tracing::trace!("the caller of an operation has gone away");
        }
    }
}

fn no_result() -> Error {
    Error::Unavailable("the store gave no result for an operation".to_owned())
}

/// Whether it was asked for, or whoever could ask has gone.
async fn wait_for_close(closing: &mut watch::Receiver<bool>) -> bool {
    closing.wait_for(|closing| *closing).await.is_ok()
}
