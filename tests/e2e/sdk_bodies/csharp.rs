//! Dtmcli and Dtmworkflow 1.5.0 (sdk-wire 6).

use serde_json::Value;

use crate::harness::{Reply, both};

use super::check_result;

const NO_STEPS: &str = "\"steps\": null, \"payloads\": null, \"query_prepared\": null";

/// Indented, every property written, null included.
fn body(gid: &str, mode: &str, more: &str) -> String {
    format!(
        "{{\n  \"gid\": \"{gid}\",\n  \"trans_type\": \"{mode}\",\n  \"custom_data\": null,\n  \"wait_result\": false,\n  \
         \"timeout_to_fail\": 0,\n  \"request_timeout\": 0,\n  \"retry_interval\": 0,\n  \"branch_headers\": null,\n  \
         \"retry_limit\": 0,\n  \"retry_count\": 0,\n  {more},\n  \"protocol\": null,\n  \"rollback_reason\": null\n}}"
    )
}

#[tokio::test]
async fn csharp_writes_every_property_and_reads_strict_types() {
    // sdk-wire 6
    let (server, branches) = both().await;
    let steps = format!(
        "\"steps\": [ {{ \"action\": \"{}\", \"compensate\": \"{}\" }} ], \"payloads\": [ \"{{\\\"Amount\\\":30}}\" ], \"query_prepared\": null",
        branches.url("/a1"),
        branches.url("/c1")
    );
    check_result(&server.post_text("submit", body("s", "saga", &steps)).await);
    for mode in ["tcc", "xa"] {
        check_result(&server.post_text("prepare", body(mode, mode, NO_STEPS)).await);
    }
    let tcc = format!(
        r#"{{"gid":"tcc","trans_type":"tcc","data":"{{}}","branch_id":"01","confirm":"{}","cancel":"{}"}}"#,
        branches.url("/confirm"),
        branches.url("/cancel")
    );
    let xa = format!(r#"{{"gid":"xa","trans_type":"xa","branch_id":"01","url":"{}"}}"#, branches.url("/xa"));
    check_result(&server.post_text("registerBranch", tcc).await);
    check_result(&server.post_text("registerBranch", xa).await);
    check_result(&server.post_text("submit", body("tcc", "tcc", NO_STEPS)).await);
    let aborted =
        body("xa", "xa", NO_STEPS).replace("\"rollback_reason\": null", "\"rollback_reason\": \"why\"");
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
async fn csharp_services_say_failure_with_422() {
    // behaviour 55: C#'s sample service answers 422 with FAILURE
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::of(422, r#"{"dtm_result":"FAILURE"}"#)]);
    let steps = format!(
        "\"steps\": [ {{ \"action\": \"{}\", \"compensate\": \"{}\" }} ], \"payloads\": [ \"{{}}\" ], \"query_prepared\": null",
        branches.url("/a1"),
        branches.url("/c1")
    );
    check_result(&server.post_text("submit", body("s", "saga", &steps)).await);
    assert_eq!(server.end_of("s").await.rows(), "s f");
}

#[tokio::test]
async fn csharp_sends_the_delay_of_a_message_with_submit_only() {
    // sdk-wire 6, behaviour 14, 90
    let (server, branches) = both().await;
    let steps = format!(
        "\"steps\": [ {{ \"action\": \"{}\" }} ], \"payloads\": [ \"{{\\\"Amount\\\":30}}\" ], \"query_prepared\": \"{}\"",
        branches.url("/msg"),
        branches.url("/query")
    );
    let prepare = body("m", "msg", &steps);
    let submit = prepare.replace("\"custom_data\": null", "\"custom_data\": \"{\\\"delay\\\":1}\"");
    check_result(&server.post_text("prepare", prepare).await);
    check_result(&server.post_text("submit", submit).await);
    assert_eq!((server.query("m").await.status(), branches.count("/msg")), ("submitted", 0));
    let ended = server.end_of("m").await;
    assert!(ended.millis("finish_time") - ended.millis("create_time") >= 1_000, "{ended:?}");
    assert_eq!(branches.calls_of("/msg")[0].text(), r#"{"Amount":30}"#);
}
