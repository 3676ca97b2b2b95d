//! The exact requests of the existing SDKs (sdk-wire.md), and what those SDKs look at in the answers.

use serde_json::{Value, json};

use crate::harness::{Answer, Branches, Reply, SUCCESS, Server, both};

/// Python and C#: exactly 200, and the word FAILURE nowhere in the body.
fn check_result(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.body.contains("FAILURE"), "{answer:?}");
}

/// Java: the field has to say SUCCESS.
fn check_dtm_result(answer: &Answer) {
    assert_eq!(answer.json()["dtm_result"], "SUCCESS", "{answer:?}");
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
}

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
async fn csharp_writes_every_property_and_reads_strict_types() {
    // sdk-wire 6
    let (server, branches) = both().await;
    let body = |gid: &str, mode: &str, more: &str| {
        format!(
            "{{\n  \"gid\": \"{gid}\",\n  \"trans_type\": \"{mode}\",\n  \"custom_data\": null,\n  \"wait_result\": false,\n  \
             \"timeout_to_fail\": 0,\n  \"request_timeout\": 0,\n  \"retry_interval\": 0,\n  \"branch_headers\": null,\n  \
             \"retry_limit\": 0,\n  \"retry_count\": 0,\n  {more},\n  \"protocol\": null,\n  \"rollback_reason\": null\n}}"
        )
    };
    let steps = format!(
        "\"steps\": [ {{ \"action\": \"{}\", \"compensate\": \"{}\" }} ], \"payloads\": [ \"{{\\\"Amount\\\":30}}\" ], \"query_prepared\": null",
        branches.url("/a1"),
        branches.url("/c1")
    );
    check_result(&server.post_text("submit", body("s", "saga", &steps)).await);
    let none = "\"steps\": null, \"payloads\": null, \"query_prepared\": null";
    for mode in ["tcc", "xa"] {
        check_result(&server.post_text("prepare", body(mode, mode, none)).await);
    }
    let tcc = format!(
        r#"{{"gid":"tcc","trans_type":"tcc","data":"{{}}","branch_id":"01","confirm":"{}","cancel":"{}"}}"#,
        branches.url("/confirm"),
        branches.url("/cancel")
    );
    let xa = format!(r#"{{"gid":"xa","trans_type":"xa","branch_id":"01","url":"{}"}}"#, branches.url("/xa"));
    check_result(&server.post_text("registerBranch", tcc).await);
    check_result(&server.post_text("registerBranch", xa).await);
    check_result(&server.post_text("submit", body("tcc", "tcc", none)).await);
    let aborted = body("xa", "xa", none).replace("\"rollback_reason\": null", "\"rollback_reason\": \"why\"");
    check_result(&server.post_text("abort", aborted).await);
    assert_eq!(server.end_of("s").await.rows(), "p s");
    assert_eq!(server.end_of("tcc").await.rows(), "p s");
    let rolled_back = server.end_of("xa").await;
    assert_eq!((rolled_back.rows().as_str(), rolled_back.reason()), ("s p", "why"));

    for gid in ["s", "tcc", "xa"] {
        let view = server.query(gid).await;
        let transaction = view.0["transaction"].as_object().unwrap();
        assert!(transaction.values().all(|value| !value.is_null()), "null is an error there: {view:?}");
        for name in ["id", "next_cron_interval"] {
            assert!(i32::try_from(view.number(name)).is_ok(), "{name} is an int32: {view:?}");
        }
        for row in view.branches() {
            assert!(row["id"].as_i64().is_some_and(|id| i32::try_from(id).is_ok()), "{row}");
            assert!(row.as_object().unwrap().values().all(|value| !value.is_null()), "{row}");
        }
    }
    assert_eq!(server.get("/api/dtmsvr/query?gid=nobody").await.json()["transaction"], Value::Null);
}

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
