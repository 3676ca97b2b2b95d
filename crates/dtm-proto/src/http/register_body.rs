//! The client's side of `registerBranch`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use dtm_core::model::Registration;

use super::encode::encode;

/// The body of `registerBranch` (behaviour 21): a flat object of strings. What a mode has no use for is left
/// out. Data that is no text goes as base64 in `bin_data`, which servers before ours do not know (decision 18).
#[must_use]
pub fn register_body(gid: &str, registration: &Registration) -> Vec<u8> {
    let mut fields = Fields { gid, branch_id: registration.branch_id().as_str(), ..Fields::default() };
    let data = match registration {
        Registration::Tcc { confirm, cancel, data, .. } => {
            (fields.trans_type, fields.confirm, fields.cancel) = ("tcc", confirm, cancel);
            data
        }
        Registration::Xa { url, data, .. } => {
            (fields.trans_type, fields.url) = ("xa", url);
            data
        }
        Registration::Workflow { op, status, data, .. } => {
            (fields.trans_type, fields.op, fields.status) = ("workflow", op.as_str(), status.as_str());
            data
        }
    };
    match std::str::from_utf8(data.as_bytes()) {
        Ok(text) => fields.data = text,
        Err(_) => fields.bin_data = STANDARD.encode(data.as_bytes()),
    }
    encode(&fields)
}

#[derive(Default, Serialize)]
struct Fields<'a> {
    gid: &'a str,
    trans_type: &'static str,
    branch_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    data: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    bin_data: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    confirm: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    cancel: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    op: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    status: &'static str,
}
