//! dtmcli 1.7.7.0 (sdk-wire 2); `tests/compat` runs the package itself.

use crate::harness::{Branches, Server, both};

use super::check_result;

fn python_saga(gid: &str, branches: &Branches) -> String {
    let url = |path: &str| branches.url(path);
    format!(
        r#"{{"gid": "{gid}", "trans_type": "saga", "custom_data": null, "steps": [{{"action": "{}", "compensate": "{}"}}, {{"action": "{}", "compensate": "{}"}}], "payloads": ["{{\"amount\": 30}}", "{{\"amount\": 30}}"], "query_prepared": null, "protocol": null, "wait_result": false, "timeout_to_fail": 0, "request_timeout": 8, "retry_interval": 0, "passthrough_headers": [], "branch_headers": {{}}, "concurrent": false}}"#,
        url("/a1"),
        url("/c1"),
        url("/a2"),
        url("/c2")
    )
}

#[tokio::test]
async fn python_submits_a_saga_a_message_and_a_tcc() {
    // sdk-wire 2
    let (server, branches) = both().await;
    check_result(&server.get("/api/dtmsvr/newGid").await);
    check_result(&server.post_text("submit", python_saga("s", &branches)).await);
    assert_eq!(server.end_of("s").await.rows(), "p s p s");
    assert_eq!(branches.calls_of("/a1")[0].text(), r#"{"amount": 30}"#, "byte for byte");

    let message = format!(
        r#"{{"gid": "m", "trans_type": "msg", "custom_data": null, "steps": [{{"action": "{}"}}], "payloads": ["{{}}"], "query_prepared": "{}", "protocol": null, "wait_result": false, "timeout_to_fail": 0, "request_timeout": 8, "retry_interval": 0, "passthrough_headers": [], "branch_headers": {{}}, "concurrent": false}}"#,
        branches.url("/msg"),
        branches.url("/query")
    );
    check_result(&server.post_text("prepare", message.clone()).await);
    check_result(&server.post_text("submit", message).await);
    assert_eq!(server.end_of("m").await.rows(), "s");

    let tcc = r#"{"gid": "t", "trans_type": "tcc"}"#;
    check_result(&server.post_text("prepare", tcc).await);
    let register = format!(
        r#"{{"gid": "t", "branch_id": "01", "trans_type": "tcc", "status": "prepared", "data": "{{\"amount\": 30}}", "confirm": "{}", "cancel": "{}"}}"#,
        branches.url("/confirm"),
        branches.url("/cancel")
    );
    check_result(&server.post_text("registerBranch", register).await);
    check_result(&server.post_text("submit", tcc).await);
    assert_eq!(server.end_of("t").await.rows(), "p s");
    assert_eq!(branches.calls_of("/confirm")[0].text(), r#"{"amount": 30}"#);
}

#[tokio::test]
async fn python_and_java_can_tell_a_refused_abort_from_a_done_one() {
    // sdk-wire 7, item 7
    let server = Server::start().await;
    let tcc = r#"{"gid": "t", "trans_type": "tcc"}"#;
    check_result(&server.post_text("prepare", tcc).await);
    check_result(&server.post_text("abort", tcc).await);
    server.end_of("t").await;
    assert_eq!(server.post_text("abort", tcc).await.status, 409);
}
