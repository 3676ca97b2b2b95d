//! The client's side of a request: the body of prepare, submit and abort.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use dtm_core::model::{Mode, Options, Protocol, Seconds, WorkflowEnd};

use super::encode::encode;
use super::workflow_body::Extra;

/// The body of `prepare`, `submit` and `abort` as a client writes it. What is not set is left out: the
/// server's default counts then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitBody<'a> {
    /// The name of the transaction.
    pub gid: &'a str,
    /// Its mode.
    pub mode: Mode,
    /// Its steps.
    pub steps: Vec<StepBody<'a>>,
    /// JSON text that depends on the mode, see [`saga_custom_data`]; left out when empty.
    pub custom_data: &'a str,
    /// Back-check of a message, call-back of a workflow; left out when empty.
    pub query_prepared: &'a str,
    /// What the client chose.
    pub options: &'a Options,
    /// How branches are called; left out when it is HTTP, which is the default.
    pub protocol: Protocol,
    /// Abort: why; left out when empty.
    pub rollback_reason: &'a str,
    /// Submit of a workflow: how it ended; left out for every other request.
    pub end: Option<&'a WorkflowEnd>,
}

/// One step as a client writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StepBody<'a> {
    /// The URL that does it.
    pub action: &'a str,
    /// The URL that undoes it; left out when empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub compensate: &'a str,
    /// The body of both calls.
    #[serde(skip)]
    pub payload: &'a str,
}

impl SubmitBody<'_> {
    /// The JSON text.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(&Fields {
            gid: self.gid,
            trans_type: self.mode.as_str(),
            steps: &self.steps,
            payloads: Payloads(&self.steps),
            custom_data: self.custom_data,
            query_prepared: self.query_prepared,
            wait_result: self.options.wait_result,
            timeout_to_fail: self.options.timeout_to_fail.map(Seconds::get),
            request_timeout: self.options.request_timeout.map(Seconds::get),
            retry_interval: self.options.retry_interval.map(Seconds::get),
            retry_limit: self.options.retry_limit,
            branch_headers: &self.options.branch_headers,
            concurrent: self.options.concurrent,
            protocol: match self.protocol {
                Protocol::Http => "",
                other => other.as_str(),
            },
            rollback_reason: self.rollback_reason,
            req_extra: self.end.map(Extra::from),
        })
    }
}

/// `custom_data` of a concurrent saga: for a step (counted from 0) the steps that it waits for.
#[must_use]
pub fn saga_custom_data(orders: &BTreeMap<u64, Vec<u64>>) -> String {
    #[derive(Serialize)]
    struct CustomData<'a> {
        concurrent: bool,
        orders: &'a BTreeMap<u64, Vec<u64>>,
    }
    String::from_utf8_lossy(&encode(&CustomData { concurrent: true, orders })).into_owned()
}

#[derive(Serialize)]
struct Fields<'a> {
    gid: &'a str,
    trans_type: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    steps: &'a [StepBody<'a>],
    #[serde(skip_serializing_if = "Payloads::is_empty")]
    payloads: Payloads<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    custom_data: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    query_prepared: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    wait_result: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_to_fail: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_timeout: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_interval: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_limit: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    branch_headers: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    concurrent: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    protocol: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    rollback_reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    req_extra: Option<Extra<'a>>,
}

/// The payloads of the steps, as a list beside the steps.
struct Payloads<'a>(&'a [StepBody<'a>]);

impl Payloads<'_> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Payloads<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|step| step.payload))
    }
}
