//! The JSON bodies of the server's HTTP API, as far as a saga needs them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The body of `submit`. What is not set is left out: the server's default counts then.
#[derive(Debug, Serialize)]
pub(crate) struct SubmitBody<'a> {
    pub(crate) gid: &'a str,
    pub(crate) trans_type: &'static str,
    pub(crate) steps: Vec<SubmitStep<'a>>,
    pub(crate) payloads: Vec<&'a str>,
    /// A [`SagaCustomData`], as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) custom_data: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) wait_result: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_to_fail: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_timeout: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_interval: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_limit: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) branch_headers: &'a BTreeMap<String, String>,
}

/// One step of a saga.
#[derive(Debug, Serialize)]
pub(crate) struct SubmitStep<'a> {
    pub(crate) action: &'a str,
    pub(crate) compensate: &'a str,
}

/// `custom_data` of a concurrent saga.
#[derive(Debug, Serialize)]
pub(crate) struct SagaCustomData<'a> {
    pub(crate) concurrent: bool,
    pub(crate) orders: &'a BTreeMap<u64, Vec<u64>>,
}

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
