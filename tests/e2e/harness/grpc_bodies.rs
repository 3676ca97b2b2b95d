//! Requests over gRPC.

use dtm_proto::grpc::dtmgimp::{DtmBranchRequest, DtmRequest, DtmTransOptions};
use serde_json::json;

use super::Branches;

/// A saga whose step `n` calls method or path `a<n>` and is undone by `c<n>`.
pub(crate) fn saga(gid: &str, url: impl Fn(&str) -> String, payloads: &[&[u8]]) -> DtmRequest {
    let step = |number: usize| json!({"action": url(&format!("a{number}")), "compensate": url(&format!("c{number}"))});
    DtmRequest {
        steps: json!((1..=payloads.len()).map(step).collect::<Vec<_>>()).to_string(),
        bin_payloads: payloads.iter().map(|payload| payload.to_vec()).collect(),
        ..of_type(gid, "saga")
    }
}

pub(crate) fn of_type(gid: &str, trans_type: &str) -> DtmRequest {
    DtmRequest { gid: gid.to_owned(), trans_type: trans_type.to_owned(), ..DtmRequest::default() }
}

/// The same, but the client waits for the result; failing calls are tried again after 1 s.
pub(crate) fn waiting(request: DtmRequest) -> DtmRequest {
    let options = DtmTransOptions { wait_result: true, retry_interval: 1, ..DtmTransOptions::default() };
    DtmRequest { trans_options: Some(options), ..request }
}

/// Branch `n` of a TCC, which calls method or path `confirm<n>` or `cancel<n>`.
pub(crate) fn tcc_branch(gid: &str, number: usize, url: impl Fn(&str) -> String) -> DtmBranchRequest {
    let entry = |op: &str| (op.to_owned(), url(&format!("{op}{number}")));
    DtmBranchRequest {
        gid: gid.to_owned(),
        trans_type: "tcc".to_owned(),
        branch_id: format!("{number:02}"),
        op: String::new(),
        data: [entry("confirm"), entry("cancel")].into(),
        busi_payload: format!("{{\"branch\":{number}}}").into_bytes(),
    }
}

/// Paths of a service that is called by HTTP, also in a gRPC transaction (behaviour 47).
pub(crate) fn http(branches: &Branches) -> impl Fn(&str) -> String {
    |path| branches.url(&format!("/{path}"))
}
