//! What a workflow needs of the server.

use async_trait::async_trait;
use dtm_client::Error;
use dtm_core::model::{Op, Status};

use crate::model::{BranchNumber, Row, StepEnd};
use crate::options::Options;

/// Three verbs, over whichever protocol.
#[async_trait]
pub(crate) trait Server: Send + Sync {
    /// Stores a new workflow, or tells where the one with this gid stands.
    async fn prepare(&self, start: &Start<'_>) -> Result<Standing, Error>;

    /// Records the end of a step. An error says that it may be recorded or not, and by whom: whoever gets one
    /// has to stop, because another execution may be ahead.
    async fn record(&self, gid: &str, step: &Step<'_>) -> Result<(), Error>;

    /// Ends the workflow.
    async fn end(&self, gid: &str, end: End<'_>) -> Result<(), Error>;
}

/// A workflow as it is begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) gid: &'a str,
    pub(crate) name: &'a str,
    pub(crate) input: &'a [u8],
    /// Where the server has it go on.
    pub(crate) callback: &'a str,
    pub(crate) options: &'a Options,
}

/// Where a workflow stands.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) status: Status,
    pub(crate) reason: String,
    pub(crate) result: Vec<u8>,
    pub(crate) rows: Vec<Row>,
}

/// A step that has ended.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) branch: BranchNumber,
    pub(crate) op: Op,
    pub(crate) end: &'a StepEnd,
}

/// How a workflow ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End<'a> {
    Succeeded { result: &'a [u8] },
    Failed { reason: &'a str },
}
