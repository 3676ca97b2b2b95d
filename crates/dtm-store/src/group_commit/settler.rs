//! Waits for batches to become durable, one after the other, while the next one is being executed.
//!
//! ```text
//! committer   execute 1 │ execute 2 │ execute 3 │ ...
//! settler               │  settle 1 │  settle 2 │ ...
//! ```

use tokio::task::JoinHandle;

use super::backend::Settling;
use crate::Error;

/// The batch that is becoming durable, if there is one.
#[derive(Debug, Default)]
pub(super) struct Settler {
    present: Option<JoinHandle<Result<(), Error>>>,
}

impl Settler {
    /// Has `answers` called once `settling` has ended, with how it ended. Returns when everything before it has
    /// ended. A batch behind one that did not become durable is not durable either.
    pub(super) async fn settle(
        &mut self,
        settling: Settling,
        answers: impl FnOnce(&Result<(), Error>) + Send + 'static,
    ) {
        let before = self.rest().await;
        let Some(settling) = settling.filter(|_| before.is_ok()) else {
            return answers(&before);
        };
        self.present = Some(tokio::spawn(async move {
            let settled = settling.await;
            answers(&settled);
            settled
        }));
    }

    /// Waits for the batch that is becoming durable.
    pub(super) async fn rest(&mut self) -> Result<(), Error> {
        match self.present.take() {
            None => Ok(()),
            Some(present) => present.await.unwrap_or_else(|error| {
                Err(Error::Unavailable(format!("the task that waits for the disk has ended: {error}")))
            }),
        }
    }
}
