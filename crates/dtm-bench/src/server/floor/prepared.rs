//! What has been prepared and not been submitted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// The calls that a transaction consists of.
#[derive(Debug, Clone, Default)]
pub(super) struct Task {
    pub(super) gid: String,
    pub(super) trans_type: String,
    pub(super) calls: Vec<Call>,
}

/// One call of a branch.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) branch_id: String,
    pub(super) url: String,
    pub(super) payload: Bytes,
}

/// The prepared transactions by their gids.
#[derive(Debug, Default)]
pub(super) struct Prepared(Mutex<HashMap<String, Task>>);

impl Prepared {
    pub(super) fn prepare(&self, task: Task) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(task.gid.clone(), task);
    }

    pub(super) fn register(&self, gid: &str, call: Call) {
        if let Some(task) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(gid) {
            task.calls.push(call);
        }
    }

    /// The calls of a submit, in the order in which they are to be made.
    pub(super) fn submit(&self, task: Task) -> Task {
        if task.trans_type == "saga" {
            return task;
        }
        let prepared = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&task.gid);
        let mut task = prepared.unwrap_or(task);
        if task.trans_type == "tcc" {
            task.calls.reverse();
        }
        task
    }
}

impl Task {
    /// The operation of its calls.
    pub(super) fn op(&self) -> &'static str {
        if self.trans_type == "tcc" { "confirm" } else { "action" }
    }
}

/// The calls of listed steps.
pub(super) fn listed(steps: impl Iterator<Item = (String, Bytes)>) -> Vec<Call> {
    let calls = (1..).zip(steps);
    calls.map(|(number, (url, payload))| Call { branch_id: format!("{number:02}"), url, payload }).collect()
}
