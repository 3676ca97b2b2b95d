//! Clients from before `payloads` and `branch_headers`.

use serde_json::json;

use crate::harness::{Reply, SUCCESS, both};

#[tokio::test]
async fn old_sagas_have_their_payloads_in_the_steps_and_no_protocol() {
    // behaviour 52
    let (server, branches) = both().await;
    let body = json!({
        "gid": "old", "trans_type": "saga",
        "steps": [
            {"action": branches.url("/a1"), "compensate": branches.url("/c1"), "data": "{\"amount\":1}"},
            {"action": branches.url("/a2"), "compensate": branches.url("/c2"), "data": "{\"amount\":2}"},
        ],
    });
    assert_eq!(server.post_text("submit", body.to_string()).await.parts(), (200, SUCCESS));
    assert_eq!(server.end_of("old").await.rows(), "p s p s");
    assert_eq!(branches.calls_of("/a1")[0].text(), r#"{"amount":1}"#);
    assert_eq!(branches.calls_of("/a2")[0].text(), r#"{"amount":2}"#);
}

#[tokio::test]
async fn old_clients_name_headers_of_their_request_that_branches_get_too() {
    // behaviour 52: passthrough_headers came before branch_headers
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::ok()]);
    let body = json!({
        "gid": "g", "trans_type": "saga", "payloads": ["{}"],
        "steps": [{"action": branches.url("/a1"), "compensate": ""}],
        "passthrough_headers": ["content-type", "x-not-sent"],
    });
    server.submit(&body).await;
    server.end_of("g").await;
    assert_eq!(branches.calls()[0].header("content-type"), "application/json");
    assert_eq!(branches.calls()[0].header("x-not-sent"), "");
}
