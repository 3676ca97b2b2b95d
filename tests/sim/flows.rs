//! Applications that run workflows: where a server's call-back of a workflow goes.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::model::{Gid, Outcome};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Call-backs that wait for one application.
const WAITING_MAX: usize = 16;

/// The applications of a run, by the workflow that each runs.
#[derive(Debug, Default)]
pub(crate) struct Flows(Mutex<BTreeMap<Gid, mpsc::Sender<Resume>>>);

/// A call-back: the application goes on with the workflow, and answers when it stops.
pub(crate) type Resume = oneshot::Sender<Outcome>;

impl Flows {
    /// Call-backs of this workflow come to the caller from now on.
    pub(crate) fn serve(&self, gid: &Gid) -> mpsc::Receiver<Resume> {
        let (sender, calls) = mpsc::channel(WAITING_MAX);
        self.0.lock().insert(gid.clone(), sender);
        calls
    }

    /// Calls a workflow back.
    pub(crate) async fn resume(&self, gid: &Gid, limit: Duration) -> Outcome {
        let unknown = |cause: &str| Outcome::Unknown { cause: cause.to_owned() };
        let Some(application) = self.0.lock().get(gid).cloned() else { return unknown("nobody runs it") };
        let (to, answer) = oneshot::channel();
        if application.try_send(to).is_err() {
            return unknown("its application is busy");
        }
        match timeout(limit, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => unknown("the connection broke"),
            Err(_) => unknown("no answer in time"),
        }
    }
}
