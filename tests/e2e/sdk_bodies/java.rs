//! dtmcli-java 2.1.8 (sdk-wire 5); `tests/compat` runs 2.1.4 itself.

use crate::harness::{Reply, SUCCESS, Server, both};

use super::check_dtm_result;

#[tokio::test]
async fn java_sends_a_key_twice_and_wants_dtm_result_success() {
    // sdk-wire 5
    let (server, branches) = both().await;
    check_dtm_result(&server.get("/api/dtmsvr/newGid").await);
    assert!(server.get("/api/ping").await.json().is_object());
    let tcc = r#"{"subType":"OperatorParam","gid":"t","trans_type":"tcc","subType":null}"#;
    check_dtm_result(&server.post_text("prepare", tcc).await);
    let register = format!(
        r#"{{"subType":"tcc","gid":"t","trans_type":"tcc","subType":"tcc","branch_id":"01","status":"prepared","data":"{{\"amount\":30}}","confirm":"{}","cancel":"{}"}}"#,
        branches.url("/confirm"),
        branches.url("/cancel")
    );
    check_dtm_result(&server.post_text("registerBranch", register).await);
    assert_eq!(server.post_text("submit", tcc).await.status, 200);
    assert_eq!(server.end_of("t").await.rows(), "p s");

    let saga = format!(
        r#"{{"subType":"saga","gid":"s","trans_type":"saga","subType":"saga","steps":[{{"action":"{}","compensate":"{}"}}],"payloads":["{{\"amount\":30}}"],"custom_data":null,"wait_result":true,"timeout_to_fail":0,"retry_interval":0,"passthrough_headers":[],"branch_headers":{{}}}}"#,
        branches.url("/a1"),
        branches.url("/c1")
    );
    assert_eq!(server.post_text("submit", saga).await.parts(), (200, SUCCESS));
    assert_eq!(server.query("s").await.status(), "succeed");
}

#[tokio::test]
async fn java_sends_a_concurrent_saga_with_orders_and_its_failure_is_an_error_status() {
    // sdk-wire 5: Feign throws on 4xx and 5xx only
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    let saga = format!(
        r#"{{"subType":"saga","gid":"s","trans_type":"saga","subType":"saga","steps":[{{"action":"{}","compensate":"{}"}},{{"action":"{}","compensate":"{}"}}],"payloads":["{{\"amount\":30}}","{{\"amount\":30}}"],"custom_data":"{{\"orders\":{{\"1\":[0]}},\"concurrent\":true}}","wait_result":true,"timeout_to_fail":35,"retry_interval":10,"passthrough_headers":[],"branch_headers":{{}}}}"#,
        branches.url("/a1"),
        branches.url("/c1"),
        branches.url("/a2"),
        branches.url("/c2")
    );
    assert_eq!(server.post_text("submit", saga).await.status, 409);
    assert_eq!(server.query("s").await.rows(), "s s s f");
    assert_eq!(branches.paths(), ["/a1", "/a2", "/c2", "/c1"]);
}

#[tokio::test]
async fn java_aborts_with_the_body_of_its_prepare() {
    // sdk-wire 5
    let (server, branches) = both().await;
    let tcc = r#"{"subType":"OperatorParam","gid":"t","trans_type":"tcc","subType":null}"#;
    check_dtm_result(&server.post_text("prepare", tcc).await);
    let register = format!(
        r#"{{"subType":"tcc","gid":"t","trans_type":"tcc","subType":"tcc","branch_id":"01","status":"prepared","data":"{{}}","confirm":"{}","cancel":"{}"}}"#,
        branches.url("/confirm"),
        branches.url("/cancel")
    );
    check_dtm_result(&server.post_text("registerBranch", register).await);
    assert_eq!(server.post_text("abort", tcc).await.parts(), (200, SUCCESS));
    assert_eq!(server.end_of("t").await.rows(), "s p");
    assert_eq!(branches.paths(), ["/cancel"]);
}

#[tokio::test]
async fn java_addresses_of_a_registry_are_refused_by_name() {
    // sdk-wire 5: with a ServiceMessage the addresses are those of a registry, which needs a driver
    let server = Server::start().await;
    let saga = r#"{"subType":"saga","gid":"s","trans_type":"saga","subType":"saga","steps":[{"action":"nacos://busi/out?groupName=DEFAULT_GROUP","compensate":"nacos://busi/back?groupName=DEFAULT_GROUP"}],"payloads":["{}"],"custom_data":null,"wait_result":false,"timeout_to_fail":0,"retry_interval":0,"passthrough_headers":[],"branch_headers":{}}"#;
    let answer = server.post_text("submit", saga).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.message().starts_with("steps[0].action"), "{answer:?}");
    assert!(!server.query("s").await.exists());
}
