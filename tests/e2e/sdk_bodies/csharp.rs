//! Dtmcli and Dtmworkflow 1.5.0 (sdk-wire 6).

use serde_json::{Value, json};

use crate::harness::{Branches, Reply, both};

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

fn workflow(branches: &Branches) -> String {
    let steps = format!(
        "\"steps\": null, \"payloads\": null, \"query_prepared\": \"{}\"",
        branches.url("/workflow/resume")
    );
    // {"Amount":30}
    let data =
        "\"custom_data\": \"{\\\"name\\\":\\\"transfer\\\",\\\"data\\\":\\\"eyJBbW91bnQiOjMwfQ==\\\"}\"";
    body("w", "workflow", &steps)
        .replace("\"custom_data\": null", data)
        .replace("\"protocol\": null", "\"protocol\": \"http\"")
}

#[tokio::test]
async fn csharp_runs_a_workflow_and_decodes_its_result() {
    // sdk-wire 6: the status of prepareWorkflow is not looked at, its body is parsed
    let (server, branches) = both().await;
    let begun = server.post_text("prepareWorkflow", workflow(&branches)).await.json();
    assert_eq!((&begun["transaction"]["status"], &begun["progresses"]), (&json!("prepared"), &json!([])));
    let branch = r#"{"gid":"w","trans_type":"workflow","data":"{\"ok\":true}","branch_id":"01","op":"action","status":"succeed"}"#;
    check_result(&server.post_text("registerBranch", branch).await);
    let again = server.post_text("prepareWorkflow", workflow(&branches)).await.json();
    assert_eq!(again["progresses"][0]["bin_data"], "eyJvayI6dHJ1ZX0=", "{again}");
    // {"ok":true}
    let submit = r#"{"gid":"w","trans_type":"workflow","req_extra":{"status":"succeed","rollback_reason":null,"result":"eyJvayI6dHJ1ZX0="}}"#;
    check_result(&server.post_text("submit", submit).await);
    let ended = server.post_text("prepareWorkflow", workflow(&branches)).await.json();
    let transaction = ended["transaction"].as_object().unwrap();
    assert_eq!(
        (&transaction["status"], &transaction["result"]),
        (&json!("succeed"), &json!("eyJvayI6dHJ1ZX0="))
    );
    assert!(transaction.values().all(|value| !value.is_null()), "{ended}");
    assert_eq!(server.query("w").await.rows(), "s");
}

#[tokio::test]
async fn csharp_rolls_a_workflow_back_without_a_result() {
    // sdk-wire 6: result is null, its absence is read as null
    let (server, branches) = both().await;
    server.post_text("prepareWorkflow", workflow(&branches)).await;
    let submit = r#"{"gid":"w","trans_type":"workflow","req_extra":{"status":"failed","rollback_reason":"no stock","result":null}}"#;
    check_result(&server.post_text("submit", submit).await);
    let ended = server.post_text("prepareWorkflow", workflow(&branches)).await.json();
    let transaction = ended["transaction"].as_object().unwrap();
    assert_eq!(
        (&transaction["status"], &transaction["rollback_reason"]),
        (&json!("failed"), &json!("no stock"))
    );
    assert!(transaction.get("result").is_none_or(|result| result == ""), "{ended}");
}

#[tokio::test]
async fn csharp_workflows_are_called_back_with_their_data() {
    // behaviour 98
    let (server, branches) = both().await;
    let often = workflow(&branches).replace("\"retry_interval\": 0", "\"retry_interval\": 1");
    server.post_text("prepareWorkflow", often).await;
    branches.wait_for("/workflow/resume", 1).await;
    let call = &branches.calls_of("/workflow/resume")[0];
    assert_eq!((call.op().as_str(), call.branch_id().as_str()), ("transfer", "00"));
    assert_eq!(call.text(), r#"{"Amount":30}"#);
}
