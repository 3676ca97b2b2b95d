//! Why a branch said no.

use serde::Deserialize;

use super::BranchNumber;

/// How the errors of Go's gRPC client begin; its SDK records them as they are.
pub(crate) const GO_STATUS_PREFIX: &str = "rpc error: code = Aborted desc = ";

/// The fields that carry the reason: ours, and that of Go's SDK.
#[derive(Deserialize)]
struct Body {
    message: Option<String>,
    error: Option<String>,
}

/// The reason in the record of a branch that said no. The live run reads it from the same bytes as a replay,
/// so that both end with the same reason.
pub(crate) fn reason(branch: BranchNumber, data: &[u8]) -> String {
    let told = told(data);
    // Go's SDK keeps no reason of a local step.
    if told.is_empty() { format!("branch {branch} said no") } else { told }
}

/// The reason in an answer that says no; empty when it tells none.
pub(crate) fn told(data: &[u8]) -> String {
    let body: Option<Body> = serde_json::from_slice(data).ok();
    let text = body.and_then(|body| body.message.or(body.error));
    let text = text.unwrap_or_else(|| String::from_utf8_lossy(data).into_owned());
    let text = text.strip_prefix(GO_STATUS_PREFIX).unwrap_or(&text).trim();
    text.strip_suffix("FAILURE").map_or(text, str::trim_end).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_wherever_an_sdk_puts_it() {
        for (data, expected) in [
            ("no money", "no money"),
            ("no money FAILURE", "no money"),
            (r#"{"dtm_result":"FAILURE","message":"no money"}"#, "no money"),
            (r#"{"error":"no money FAILURE"}"#, "no money"),
            ("rpc error: code = Aborted desc = no money", "no money"),
            ("rpc error: code = Aborted desc = FAILURE", "branch 02 said no"),
            ("", "branch 02 said no"),
            ("FAILURE", "branch 02 said no"),
            (r#"{"dtm_result":"FAILURE"}"#, r#"{"dtm_result":"FAILURE"}"#),
        ] {
            assert_eq!(reason(BranchNumber::at(1), data.as_bytes()), expected, "{data}");
        }
    }
}
