//! A transaction and its branches as clients and the admin pages see them (behaviour 28).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use dtm_core::model::{BranchRow, Definition, Options, Plan, Seconds, State, Status, Timestamp};

use super::rfc3339::Rfc3339;

/// `transaction` of `query`, and an entry of `transactions` of `all`.
///
/// Keys are in DTM's order. What is empty is left out, except `id`, `create_time`, `update_time` and
/// `concurrent`: C# reads a `null` as an error. `id` is 0, as it is with DTM's Redis and BoltDB stores.
#[derive(Serialize)]
pub(super) struct TransactionView<'a> {
    id: u32,
    create_time: Rfc3339,
    update_time: Rfc3339,
    gid: &'a str,
    trans_type: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    query_prepared: &'a str,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_time: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_time: Option<Rfc3339>,
    #[serde(skip_serializing_if = "str::is_empty")]
    result: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    rollback_reason: &'a str,
    options: OptionsText<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    custom_data: &'a str,
    next_cron_interval: u32,
    next_cron_time: Rfc3339,
    #[serde(skip_serializing_if = "str::is_empty")]
    owner: &'a str,
    #[serde(flatten)]
    own_options: OptionsView<'a>,
}

impl<'a> TransactionView<'a> {
    pub(super) fn new(definition: &'a Definition, state: &'a State, owner: &'a str) -> Self {
        let options = state.amendment.as_ref().map_or(&definition.options, |amendment| &amendment.options);
        let ended = |status| state.finished_at.filter(|_| state.status == status).map(Rfc3339);
        Self {
            id: 0,
            create_time: Rfc3339(definition.created_at),
            update_time: Rfc3339(state.updated_at),
            gid: definition.gid.as_str(),
            trans_type: definition.plan.mode().as_str(),
            status: state.status.as_str(),
            query_prepared: match &definition.plan {
                Plan::Message { query_prepared: url, .. } | Plan::Workflow { callback: url, .. } => url,
                Plan::Saga { .. } | Plan::Tcc | Plan::Xa => "",
            },
            protocol: definition.protocol.as_str(),
            finish_time: ended(Status::Succeed),
            rollback_time: ended(Status::Failed),
            result: state.result.as_deref().unwrap_or_default(),
            rollback_reason: state.reason.as_deref().unwrap_or_default(),
            options: OptionsText(OptionsView::new(options)),
            custom_data: &definition.custom_data,
            next_cron_interval: state.interval.get(),
            next_cron_time: Rfc3339(state.next_retry),
            owner,
            own_options: OptionsView::new(options),
        }
    }
}

/// The options, as fields of the transaction.
#[derive(Serialize)]
struct OptionsView<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    wait_result: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_to_fail: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_timeout: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_interval: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    branch_headers: &'a BTreeMap<String, String>,
    concurrent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_limit: Option<u32>,
}

impl<'a> OptionsView<'a> {
    fn new(options: &'a Options) -> Self {
        Self {
            wait_result: options.wait_result,
            timeout_to_fail: options.timeout_to_fail.map(Seconds::get),
            request_timeout: options.request_timeout.map(Seconds::get),
            retry_interval: options.retry_interval.map(Seconds::get),
            branch_headers: &options.branch_headers,
            concurrent: options.concurrent,
            retry_limit: options.retry_limit,
        }
    }
}

/// The options once more, as JSON text inside a string: the column that DTM keeps them in.
struct OptionsText<'a>(OptionsView<'a>);

impl Serialize for OptionsText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

/// An entry of `branches` of `query`.
#[derive(Serialize)]
pub(super) struct BranchView<'a> {
    id: u32,
    create_time: Rfc3339,
    update_time: Rfc3339,
    gid: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: &'a str,
    #[serde(skip_serializing_if = "<[u8]>::is_empty", serialize_with = "base64")]
    bin_data: &'a [u8],
    branch_id: &'a str,
    op: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_time: Option<Rfc3339>,
}

impl<'a> BranchView<'a> {
    /// A row of the transaction `gid`, which was created at `created_at`: rows have no such time of their own.
    pub(super) fn new(row: &'a BranchRow<'_>, gid: &'a str, created_at: Timestamp) -> Self {
        Self {
            id: 0,
            create_time: Rfc3339(created_at),
            update_time: Rfc3339(row.progress.ended_at.unwrap_or(created_at)),
            gid,
            url: row.url,
            bin_data: row.payload.as_bytes(),
            branch_id: row.branch_id.as_str(),
            op: row.op.as_str(),
            status: row.progress.status.as_str(),
            finish_time: row.progress.ended_at.map(Rfc3339),
        }
    }
}

fn base64<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}
