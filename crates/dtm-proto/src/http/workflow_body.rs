//! The client's side of workflows: what it tells about one, and how it says that one has ended.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use dtm_core::model::WorkflowEnd;

use super::encode::encode;

/// `custom_data` of a workflow: the name of the function and its input (behaviour 94).
#[must_use]
pub fn workflow_custom_data(name: &str, input: &[u8]) -> String {
    #[derive(Serialize)]
    struct CustomData<'a> {
        name: &'a str,
        data: Option<String>,
    }
    let data = (!input.is_empty()).then(|| STANDARD.encode(input));
    String::from_utf8_lossy(&encode(&CustomData { name, data })).into_owned()
}

/// `custom_data` of a message that is to wait, in seconds (behaviour 90).
#[must_use]
pub fn message_custom_data(delay: u32) -> String {
    #[derive(Serialize)]
    struct CustomData {
        delay: u32,
    }
    String::from_utf8_lossy(&encode(&CustomData { delay })).into_owned()
}

/// The result of a workflow as [`WorkflowEnd`] carries it: base64.
#[must_use]
pub fn workflow_result(result: &[u8]) -> String {
    STANDARD.encode(result)
}

/// `req_extra` as a coordinator in the same process is handed it (behaviour 96).
#[must_use]
pub fn workflow_extra(end: &WorkflowEnd) -> BTreeMap<String, String> {
    let Extra { status, rollback_reason, result } = Extra::from(end);
    let fields = [("status", status), ("rollback_reason", rollback_reason), ("result", result)];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// `req_extra` (behaviour 96).
#[derive(Serialize)]
pub(super) struct Extra<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    rollback_reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    result: &'a str,
}

impl<'a> From<&'a WorkflowEnd> for Extra<'a> {
    fn from(end: &'a WorkflowEnd) -> Self {
        let status = if end.succeeded { "succeed" } else { "failed" };
        Self { status, rollback_reason: &end.reason, result: &end.result }
    }
}
