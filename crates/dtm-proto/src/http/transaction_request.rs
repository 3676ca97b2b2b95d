//! The body of `prepare`, `submit` and `abort`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::MapAccess;

use dtm_core::model::{Gid, Mode, Payload};

use super::gid_request::strip_gid;
use super::json::{DecodeError, KeyOf, Known, Path, fill, read, skip};
use super::request_error::{RequestError, word};
use super::values::Absent;

/// The body of `prepare`, `submit` and `abort`: what the client sent, read but not yet judged.
///
/// It takes what DTM takes (behaviour 5, 6): any content type, keys in any case, unknown keys, several equal
/// keys (the last one counts), `null` for every field. What Go would repair by dropping bytes (text that is not UTF-8) is refused instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionRequest {
    /// The name of the transaction, without the characters that DTM strips (behaviour 9).
    pub gid: String,
    /// `saga`, `tcc`, `xa`, `msg` or `workflow`.
    pub trans_type: String,
    /// The steps of a saga or message.
    pub steps: Vec<StepRequest>,
    /// One per step, byte for byte as sent.
    pub payloads: Vec<Payload>,
    /// Back-check of a message, call-back of a workflow.
    pub query_prepared: Arc<str>,
    /// `http` when empty.
    pub protocol: String,
    /// JSON text of its own for sagas, messages and workflows.
    pub custom_data: String,
    /// Whether the answer waits for the end of the first pass.
    pub wait_result: bool,
    /// Seconds; 0 means: as the server is configured.
    pub timeout_to_fail: i64,
    /// Seconds; 0 means: as the server is configured.
    pub request_timeout: i64,
    /// Seconds; 0 means: as the server is configured.
    pub retry_interval: i64,
    /// A number of tries; 0 means: no limit.
    pub retry_limit: i64,
    /// Headers of every call to a branch.
    pub branch_headers: BTreeMap<String, String>,
    /// Names of headers of this very request that every call to a branch has to carry too (old clients).
    pub passthrough_headers: Vec<String>,
    /// Message: call all branches at once.
    pub concurrent: bool,
    /// Why the client aborts.
    pub rollback_reason: String,
    /// How a workflow ended: `status`, `rollback_reason`, `result`.
    pub req_extra: BTreeMap<String, String>,
}

/// One entry of `steps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRequest {
    /// The URL that does it.
    pub action: Arc<str>,
    /// The URL that undoes it.
    pub compensate: Arc<str>,
    /// The payload, as old clients send it (behaviour 52).
    pub data: Payload,
}

impl TransactionRequest {
    /// A request of a client in the same process, with the defaults of everything that is not said.
    #[must_use]
    pub fn new(gid: &str, mode: Mode) -> Self {
        Self { gid: gid.to_owned(), trans_type: mode.as_str().to_owned(), ..Self::empty() }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not a JSON object, or when a known field has the wrong type; it names the
    /// field.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut request: Self = read("body", body)?;
        strip_gid(&mut request.gid);
        Ok(request)
    }

    /// The checked `gid`.
    ///
    /// # Errors
    /// [`RequestError`] when it is empty, too long or has a control character.
    pub fn gid(&self) -> Result<Gid, RequestError> {
        Ok(Gid::parse(&self.gid)?)
    }

    /// The checked `trans_type`.
    ///
    /// # Errors
    /// [`RequestError`] when it is none of the five.
    pub fn mode(&self) -> Result<Mode, RequestError> {
        Ok(Mode::parse(word(&self.trans_type))?)
    }
}

impl StepRequest {
    /// Reads steps that stand in a text of their own (gRPC, behaviour 44): empty and `null` mean none. `field`
    /// is what messages call it.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not a JSON list of steps.
    pub fn decode_list(field: &'static str, text: &str) -> Result<Vec<Self>, DecodeError> {
        match text.trim_ascii() {
            "" | "null" => Ok(Vec::new()),
            text => read(field, text.as_bytes()),
        }
    }
}

impl Known for TransactionRequest {
    const EXPECTED: &'static str = "a JSON object";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut it = Self::empty();
        while let Some(key) = map.next_key_seed(KeyOf(FIELDS))? {
            let Some(name) = key else {
                skip(&mut map)?;
                continue;
            };
            let path = Path::Field(path, name);
            match name {
                "gid" => fill(&mut it.gid, &path, &mut map),
                "trans_type" => fill(&mut it.trans_type, &path, &mut map),
                "steps" => fill(&mut it.steps, &path, &mut map),
                "payloads" => fill(&mut it.payloads, &path, &mut map),
                "query_prepared" => fill(&mut it.query_prepared, &path, &mut map),
                "protocol" => fill(&mut it.protocol, &path, &mut map),
                "custom_data" => fill(&mut it.custom_data, &path, &mut map),
                "wait_result" => fill(&mut it.wait_result, &path, &mut map),
                "timeout_to_fail" => fill(&mut it.timeout_to_fail, &path, &mut map),
                "request_timeout" => fill(&mut it.request_timeout, &path, &mut map),
                "retry_interval" => fill(&mut it.retry_interval, &path, &mut map),
                "retry_limit" => fill(&mut it.retry_limit, &path, &mut map),
                "branch_headers" => fill(&mut it.branch_headers, &path, &mut map),
                "passthrough_headers" => fill(&mut it.passthrough_headers, &path, &mut map),
                "concurrent" => fill(&mut it.concurrent, &path, &mut map),
                "rollback_reason" => fill(&mut it.rollback_reason, &path, &mut map),
                "req_extra" => fill(&mut it.req_extra, &path, &mut map),
                _ => skip(&mut map),
            }?;
        }
        Ok(it)
    }
}

const FIELDS: &[&str] = &[
    "gid",
    "trans_type",
    "steps",
    "payloads",
    "query_prepared",
    "protocol",
    "custom_data",
    "wait_result",
    "timeout_to_fail",
    "request_timeout",
    "retry_interval",
    "retry_limit",
    "branch_headers",
    "passthrough_headers",
    "concurrent",
    "rollback_reason",
    "req_extra",
];

impl TransactionRequest {
    fn empty() -> Self {
        Self {
            gid: String::new(),
            trans_type: String::new(),
            steps: Vec::new(),
            payloads: Vec::new(),
            query_prepared: "".into(),
            protocol: String::new(),
            custom_data: String::new(),
            wait_result: false,
            timeout_to_fail: 0,
            request_timeout: 0,
            retry_interval: 0,
            retry_limit: 0,
            branch_headers: BTreeMap::new(),
            passthrough_headers: Vec::new(),
            concurrent: false,
            rollback_reason: String::new(),
            req_extra: BTreeMap::new(),
        }
    }
}

impl Known for StepRequest {
    const EXPECTED: &'static str = "an object with action and compensate, or null";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut it = Self::absent();
        while let Some(key) = map.next_key_seed(KeyOf(&["action", "compensate", "data"]))? {
            let Some(name) = key else {
                skip(&mut map)?;
                continue;
            };
            let path = Path::Field(path, name);
            match name {
                "action" => fill(&mut it.action, &path, &mut map),
                "compensate" => fill(&mut it.compensate, &path, &mut map),
                "data" => fill(&mut it.data, &path, &mut map),
                _ => skip(&mut map),
            }?;
        }
        Ok(it)
    }
}

impl Absent for StepRequest {
    fn absent() -> Self {
        Self { action: Arc::default(), compensate: Arc::default(), data: Payload::empty() }
    }
}
