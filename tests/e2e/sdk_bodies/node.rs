//! dtmcli 0.0.12 (sdk-wire 3).

use crate::harness::{Reply, both};

use super::check_result;

#[tokio::test]
async fn node_submits_a_concurrent_saga_and_a_message_whose_delay_comes_with_submit() {
    // sdk-wire 3, behaviour 14, 90, defect B15
    let (server, branches) = both().await;
    let body = format!(
        r#"{{"gid":"s","trans_type":"saga","steps":[{{"action":"{}","compensate":"{}"}},{{"action":"{}","compensate":"{}"}}],"payloads":["{{\"amount\":30}}","{{\"amount\":30}}"],"custom_data":"{{\"concurrent\":true,\"orders\":{{\"1\":[0]}}}}"}}"#,
        branches.url("/a1"),
        branches.url("/c1"),
        branches.url("/a2"),
        branches.url("/c2")
    );
    assert_eq!(server.post_text("submit", body).await.status, 200);
    assert_eq!(server.end_of("s").await.rows(), "p s p s");

    let message = format!(
        r#"{{"gid":"m","trans_type":"msg","steps":[{{"action":"{}"}}],"payloads":["{{\"a\":1}}"],"query_prepared":"{}"}}"#,
        branches.url("/msg"),
        branches.url("/query")
    );
    let submit =
        message.replace(r#","query_prepared""#, r#","custom_data":"{\"delay\": 1}","query_prepared""#);
    check_result(&server.post_text("prepare", message).await);
    check_result(&server.post_text("submit", submit).await);
    let waiting = server.query("m").await;
    assert_eq!((waiting.status(), branches.count("/msg")), ("submitted", 0));
    let ended = server.end_of("m").await;
    assert!(ended.millis("finish_time") - ended.millis("create_time") >= 1_000, "{ended:?}");
}

#[tokio::test]
async fn node_registers_a_tcc_branch_under_the_old_name() {
    // sdk-wire 3
    let (server, branches) = both().await;
    let tcc = r#"{"gid":"t","trans_type":"tcc"}"#;
    assert_eq!(server.post_text("prepare", tcc).await.status, 200);
    let register = format!(
        r#"{{"gid":"t","branch_id":"01","trans_type":"tcc","status":"prepared","data":"{{}}","try":"{}","confirm":"{}","cancel":"{}"}}"#,
        branches.url("/try"),
        branches.url("/confirm"),
        branches.url("/cancel")
    );
    assert_eq!(server.post_text("registerTccBranch", register).await.status, 200);
    assert_eq!(server.post_text("abort", tcc).await.status, 200);
    assert_eq!(server.end_of("t").await.rows(), "s p");
    assert_eq!(branches.paths(), ["/cancel"], "the server never calls try");
}

#[tokio::test]
async fn node_confirms_a_tcc_branch() {
    // sdk-wire 3: prepare, submit and abort carry gid and trans_type only
    let (server, branches) = both().await;
    let tcc = r#"{"gid":"t","trans_type":"tcc"}"#;
    check_result(&server.post_text("prepare", tcc).await);
    for branch in ["01", "02"] {
        let register = format!(
            r#"{{"gid":"t","branch_id":"{branch}","trans_type":"tcc","status":"prepared","data":"{{\"amount\":30}}","try":"{}","confirm":"{}","cancel":"{}"}}"#,
            branches.url("/try"),
            branches.url(&format!("/confirm{branch}")),
            branches.url("/cancel")
        );
        check_result(&server.post_text("registerTccBranch", register).await);
    }
    check_result(&server.post_text("submit", tcc).await);
    assert_eq!(server.end_of("t").await.rows(), "p s p s");
    assert_eq!(branches.paths(), ["/confirm02", "/confirm01"]);
    assert_eq!(branches.calls()[0].text(), r#"{"amount":30}"#);
}

#[tokio::test]
async fn node_leaves_a_message_prepared_and_the_server_finds_out_that_it_failed() {
    // sdk-wire 3: doAndSubmit sends no abort when its own back-check says 409
    let (server, branches) = both().await;
    branches.on("/query", [Reply::failure()]);
    let message = format!(
        r#"{{"gid":"m","trans_type":"msg","steps":[{{"action":"{}"}}],"payloads":["{{}}"],"query_prepared":"{}","timeout_to_fail":1}}"#,
        branches.url("/msg"),
        branches.url("/query")
    );
    check_result(&server.post_text("prepare", message).await);
    let ended = server.end_of("m").await;
    assert_eq!((ended.status(), ended.rows().as_str()), ("failed", "p"));
    assert_eq!(branches.paths(), ["/query"]);
}

#[tokio::test]
async fn node_sends_every_option_and_a_timeout_that_means_milliseconds_to_itself() {
    // sdk-wire 3: request_timeout is axios' too, so 5000 may mean five seconds to the caller
    let (server, branches) = both().await;
    let saga = format!(
        r#"{{"gid":"s","trans_type":"saga","steps":[{{"action":"{}","compensate":"{}"}}],"payloads":["{{\"amount\":30}}"],"wait_result":true,"timeout_to_fail":60,"request_timeout":5000,"retry_interval":10,"branch_headers":{{"x-tenant":"a"}},"concurrent":false,"retry_limit":3,"retry_count":0,"protocol":"http","rollback_reason":""}}"#,
        branches.url("/a1"),
        branches.url("/c1")
    );
    check_result(&server.post_text("submit", saga).await);
    assert_eq!(server.query("s").await.rows(), "p s");
    assert_eq!(branches.calls()[0].header("x-tenant"), "a");
}
