//! The JSON answers of the server's HTTP API, as far as this client shows them.

use serde::Deserialize;

/// The answer to `newGid`.
#[derive(Debug, Deserialize)]
pub(crate) struct NewGid {
    pub(crate) gid: String,
}

/// The answer to `query`.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    pub(crate) transaction: Option<QueriedTransaction>,
    pub(crate) branches: Option<Vec<QueriedBranch>>,
}

/// The part of a transaction that this client shows.
#[derive(Debug, Deserialize)]
pub(crate) struct QueriedTransaction {
    pub(crate) gid: String,
    pub(crate) trans_type: String,
    pub(crate) status: String,
    pub(crate) rollback_reason: Option<String>,
}

/// The part of a branch that this client shows.
#[derive(Debug, Deserialize)]
pub(crate) struct QueriedBranch {
    pub(crate) branch_id: String,
    pub(crate) op: String,
    pub(crate) status: String,
    pub(crate) url: Option<String>,
}

/// The answer to `prepareWorkflow`.
#[derive(Debug, Deserialize)]
pub(crate) struct Progresses {
    pub(crate) transaction: ProgressTransaction,
    pub(crate) progresses: Option<Vec<Progress>>,
}

/// Where a workflow stands.
#[derive(Debug, Deserialize)]
pub(crate) struct ProgressTransaction {
    pub(crate) status: String,
    pub(crate) rollback_reason: Option<String>,
    /// Base64.
    pub(crate) result: Option<String>,
}

/// One recorded step of a workflow.
#[derive(Debug, Deserialize)]
pub(crate) struct Progress {
    pub(crate) branch_id: String,
    pub(crate) op: String,
    pub(crate) status: String,
    /// Base64.
    pub(crate) bin_data: Option<String>,
}
