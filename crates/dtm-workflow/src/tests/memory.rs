//! A server in memory.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use dtm_client::{BranchStatus, Error, Op, Status};
use parking_lot::Mutex;

use crate::WorkflowsBuilder;
use crate::model::{Row, StepEnd};
use crate::server::{End, Server, Standing, Start, Step};

/// What it keeps, and how often it was asked.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    workflows: HashMap<String, Stored>,
    prepares: usize,
    /// The answers that do not arrive: to the record of this step, or to the end when it is `None`.
    lost: Vec<Option<String>>,
    /// The records that do not even arrive.
    refused: Vec<String>,
}

#[derive(Clone, Default)]
pub(super) struct Stored {
    end: Option<(Status, String, Vec<u8>)>,
    rows: Vec<Row>,
}

impl Memory {
    pub(super) fn workflows(&self) -> WorkflowsBuilder {
        WorkflowsBuilder::new(Arc::new(self.clone()), "http://here/workflow".to_owned())
    }

    /// A workflow that another process has begun.
    pub(super) fn begun(gid: &str, rows: &[(&str, Op, BranchStatus, &[u8])]) -> Self {
        let memory = Self::default();
        let row = |(branch_id, op, status, data): &(&str, Op, BranchStatus, &[u8])| Row {
            branch_id: (*branch_id).to_owned(),
            op: *op,
            status: *status,
            data: data.to_vec(),
        };
        let stored = Stored { end: None, rows: rows.iter().map(row).collect() };
        memory.0.lock().workflows.insert(gid.to_owned(), stored);
        memory
    }

    /// What is recorded, such as `01 action succeed`.
    pub(super) fn rows(&self, gid: &str) -> Vec<String> {
        let state = self.0.lock();
        let shown = |row: &Row| format!("{} {} {}", row.branch_id, row.op.as_str(), row.status.as_str());
        state.workflows.get(gid).into_iter().flat_map(|stored| &stored.rows).map(shown).collect()
    }

    pub(super) fn data(&self, gid: &str, position: usize) -> Vec<u8> {
        self.0.lock().workflows[gid].rows[position].data.clone()
    }

    /// `succeed` and the result, or `failed` and the reason.
    pub(super) fn end(&self, gid: &str) -> Option<(Status, String)> {
        let state = self.0.lock();
        let (status, reason, result) = state.workflows.get(gid)?.end.clone()?;
        Some((status, reason + &String::from_utf8(result).unwrap()))
    }

    pub(super) fn prepares(&self) -> usize {
        self.0.lock().prepares
    }

    /// The answer to this record, such as `01 action`, gets lost once.
    pub(super) fn loses(&self, step: &str) {
        self.0.lock().lost.push(Some(step.to_owned()));
    }

    /// The answer to the end gets lost once.
    pub(super) fn loses_the_end(&self) {
        self.0.lock().lost.push(None);
    }

    /// This record does not arrive, once.
    pub(super) fn refuses(&self, step: &str) {
        self.0.lock().refused.push(step.to_owned());
    }
}

impl State {
    fn answered(&mut self, gid: &str, what: Option<String>) -> Result<(), Error> {
        match self.lost.iter().position(|lost| *lost == what) {
            Some(position) => {
                self.lost.remove(position);
                Err(unknown(gid, "the answer got lost"))
            }
            None => Ok(()),
        }
    }
}

fn unknown(gid: &str, cause: &str) -> Error {
    Error::Unknown { gid: gid.to_owned(), cause: cause.to_owned() }
}

#[async_trait]
impl Server for Memory {
    async fn prepare(&self, start: &Start<'_>) -> Result<Standing, Error> {
        let mut state = self.0.lock();
        state.prepares += 1;
        let stored = state.workflows.entry(start.gid.to_owned()).or_default().clone();
        let (status, reason, result) = stored.end.unwrap_or((Status::Prepared, String::new(), Vec::new()));
        Ok(Standing { status, reason, result, rows: stored.rows })
    }

    async fn record(&self, gid: &str, step: &Step<'_>) -> Result<(), Error> {
        let mut state = self.0.lock();
        let name = format!("{} {}", step.branch, step.op.as_str());
        if let Some(position) = state.refused.iter().position(|refused| *refused == name) {
            state.refused.remove(position);
            return Err(unknown(gid, "no connection"));
        }
        let stored = state.workflows.get_mut(gid).unwrap();
        let (status, data) = match step.end {
            StepEnd::Succeeded(data) => (BranchStatus::Succeed, data.clone()),
            StepEnd::Refused(data) => (BranchStatus::Failed, data.clone()),
        };
        let branch_id = step.branch.to_string();
        if stored.end.is_some()
            || stored.rows.iter().any(|row| row.branch_id == branch_id && row.op == step.op)
        {
            return Err(unknown(gid, "it is registered already"));
        }
        stored.rows.push(Row { branch_id, op: step.op, status, data });
        state.answered(gid, Some(name))
    }

    async fn end(&self, gid: &str, end: End<'_>) -> Result<(), Error> {
        let mut state = self.0.lock();
        let end = match end {
            End::Succeeded { result } => (Status::Succeed, String::new(), result.to_vec()),
            End::Failed { reason } => (Status::Failed, reason.to_owned(), Vec::new()),
        };
        let stored = state.workflows.get_mut(gid).unwrap();
        assert!(stored.end.as_ref().is_none_or(|known| *known == end), "a workflow has one end");
        stored.end = Some(end);
        state.answered(gid, None)
    }
}
