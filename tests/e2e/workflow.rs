//! Workflows over HTTP (behaviour 25, 26, 94 to 100).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Answer, Branches, Reply, SUCCESS, Server, Settings, With, both};

/// The body of prepareWorkflow as Go's client writes it: the input is `{"amount":30}`.
fn workflow(gid: &str, branches: &Branches) -> Value {
    json!({
        "gid": gid,
        "trans_type": "workflow",
        "query_prepared": branches.url("/workflow"),
        "custom_data": format!(r#"{{"name":"transfer out","data":"{}"}}"#, STANDARD.encode(r#"{"amount":30}"#)),
        "retry_interval": 1,
    })
}

fn step(gid: &str, branch_id: &str, op: &str, status: &str) -> Value {
    json!({"gid": gid, "trans_type": "workflow", "branch_id": branch_id, "op": op, "status": status})
}

fn end(gid: &str, status: &str, reason: &str, result: &str) -> Value {
    let extra = json!({"status": status, "rollback_reason": reason, "result": result});
    json!({"gid": gid, "trans_type": "workflow", "req_extra": extra})
}

async fn prepared(server: &Server, body: &Value) -> Value {
    let answer = server.post("prepareWorkflow", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    answer.json()
}

fn assert_refused(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.message().contains(words), "{answer:?}");
}

#[tokio::test]
async fn a_new_workflow_is_prepared_and_has_no_progress() {
    // behaviour 26, 94
    let (server, branches) = both().await;
    let answer = prepared(&server, &workflow("g", &branches)).await;
    assert_eq!(answer["progresses"], json!([]));
    assert_eq!(
        (&answer["transaction"]["gid"], &answer["transaction"]["status"]),
        (&json!("g"), &json!("prepared"))
    );
    let view = server.query("g").await;
    assert_eq!((view.status(), view.field("trans_type")), ("prepared", "workflow"));
    assert_eq!(view.field("query_prepared"), branches.url("/workflow"));
    let custom: Value = serde_json::from_str(view.field("custom_data")).expect("JSON text");
    assert_eq!(custom, json!({"name": "transfer out", "data": STANDARD.encode(r#"{"amount":30}"#)}));
    assert!(!view.field("create_time").is_empty());
}

#[tokio::test]
async fn a_second_execution_is_told_what_the_first_has_done() {
    // behaviour 26, 95, defects B9, R6: names as protobuf's JSON has them, data as base64
    let (server, branches) = both().await;
    let body = workflow("g", &branches);
    prepared(&server, &body).await;
    let ops = ["action", "business", "commit", "rollback", "compensate", "confirm", "cancel"];
    for (number, op) in ops.iter().enumerate() {
        let branch = step("g", &format!("0{number}"), op, "succeed").with("data", format!("result {number}"));
        server.accepts("registerBranch", &branch).await;
    }
    server.accepts("registerBranch", &step("g", "08", "action", "failed")).await;
    let again = prepared(&server, &body).await;
    let progresses = again["progresses"].as_array().expect("a list");
    assert_eq!(progresses.len(), 8);
    for (number, (progress, op)) in progresses.iter().zip(ops).enumerate() {
        assert_eq!(progress["branch_id"], format!("0{number}"));
        assert_eq!((&progress["op"], &progress["status"]), (&json!(op), &json!("succeed")));
        assert_eq!(progress["bin_data"], STANDARD.encode(format!("result {number}")));
    }
    assert_eq!(progresses[7]["status"], "failed");
    assert_eq!(server.query("g").await.rows(), "s s s s s s s f");
}

#[tokio::test]
async fn bytes_that_are_no_text_come_back_as_they_were() {
    // defect B16, decision 18
    let (server, branches) = both().await;
    let body = workflow("g", &branches);
    prepared(&server, &body).await;
    let bytes: Vec<u8> = (0..=255).collect();
    let branch = step("g", "01", "action", "succeed").with("data", "ignored");
    server.accepts("registerBranch", &branch.clone().with("bin_data", STANDARD.encode(&bytes))).await;
    let broken = branch.with("branch_id", "02").with("bin_data", "no base64!");
    assert_refused(&server.post("registerBranch", &broken).await, 400, "bin_data");
    let progresses = prepared(&server, &body).await["progresses"].clone();
    assert_eq!(progresses.as_array().map(Vec::len), Some(1), "what was refused is not there");
    assert_eq!(progresses[0]["bin_data"], STANDARD.encode(&bytes));
}

#[tokio::test]
async fn a_step_is_recorded_once_and_the_second_execution_notices() {
    // behaviour 25, decision 2
    let (server, branches) = both().await;
    prepared(&server, &workflow("g", &branches)).await;
    let branch = step("g", "01", "action", "succeed").with("data", "first");
    server.accepts("registerBranch", &branch).await;
    for again in
        [branch.clone(), branch.clone().with("data", "second"), branch.clone().with("status", "failed")]
    {
        assert_eq!(server.post("registerBranch", &again).await.status, 500);
    }
    server.accepts("registerBranch", &branch.with("op", "commit")).await;
    let view = server.query("g").await;
    assert_eq!(view.row_names(), ["01 action", "01 commit"]);
    assert_eq!(view.branches()[0]["bin_data"], STANDARD.encode("first"));
}

#[tokio::test]
async fn the_end_that_the_client_reports_is_what_a_later_execution_is_told() {
    // behaviour 96, 97, defect B10
    let (server, branches) = both().await;
    let result = STANDARD.encode([0_u8, 255, 10]);
    prepared(&server, &workflow("good", &branches)).await;
    assert_eq!(server.post("submit", &end("good", "succeed", "", &result)).await.parts(), (200, SUCCESS));
    let told = prepared(&server, &workflow("good", &branches)).await;
    assert_eq!(
        (&told["transaction"]["status"], &told["transaction"]["result"]),
        (&json!("succeed"), &json!(result))
    );

    prepared(&server, &workflow("bad", &branches)).await;
    server.accepts("registerBranch", &step("bad", "01", "action", "failed")).await;
    server.accepts("submit", &end("bad", "failed", "no money", "")).await;
    let told = prepared(&server, &workflow("bad", &branches)).await;
    assert_eq!(told["transaction"]["status"], "failed");
    assert_eq!(told["transaction"]["rollback_reason"], "no money");
    assert_eq!(told["progresses"].as_array().map(Vec::len), Some(1));
    let view = server.query("bad").await;
    assert_eq!((view.status(), view.reason(), view.rows().as_str()), ("failed", "no money", "f"));
    assert!(branches.calls().is_empty(), "no pass was run");
}

#[tokio::test]
async fn a_roll_back_that_is_reported_is_a_success_of_the_report() {
    // behaviour 96: also for a client that always waits for results
    let (server, branches) = both().await;
    prepared(&server, &workflow("g", &branches).with("wait_result", true)).await;
    let report = end("g", "failed", "no money", "").with("wait_result", true);
    for _ in 0..2 {
        assert_eq!(server.post("submit", &report).await.parts(), (200, SUCCESS));
    }
    assert_eq!(server.query("g").await.reason(), "no money");
}

#[tokio::test]
async fn the_end_keeps_everything_that_prepare_said() {
    // defect B7
    let (server, branches) = both().await;
    prepared(&server, &workflow("g", &branches)).await;
    let before = server.query("g").await;
    server.accepts("submit", &end("g", "succeed", "", "")).await;
    let after = server.query("g").await;
    for name in ["create_time", "custom_data", "query_prepared", "options", "gid", "trans_type"] {
        assert_eq!(after.field(name), before.field(name), "{name}");
    }
    let from = before.millis("create_time") - 1;
    let listed = server.get(&format!("/api/dtmsvr/all?createTimeStart={from}")).await.json();
    assert_eq!(listed["transactions"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_end_is_reported_again_only_in_the_same_way() {
    // behaviour 96, decisions 1 and 15
    let (server, branches) = both().await;
    prepared(&server, &workflow("g", &branches)).await;
    server.accepts("submit", &end("g", "succeed", "", "cmVzdWx0")).await;
    server.accepts("submit", &end("g", "succeed", "", "cmVzdWx0")).await;
    for other in [end("g", "succeed", "", "b3RoZXI="), end("g", "failed", "why", "cmVzdWx0")] {
        assert_refused(
            &server.post("submit", &other).await,
            409,
            "current status 'succeed', cannot sumbmit. FAILURE",
        );
    }
    let view = server.query("g").await;
    assert_eq!((view.status(), view.field("result"), view.reason()), ("succeed", "cmVzdWx0", ""));
    let answer = server.post("submit", &end("unknown", "succeed", "", "")).await;
    assert_eq!((answer.status, answer.message().as_str()), (500, "storage: NotFound"));
    assert!(!server.query("unknown").await.exists());
}

#[tokio::test]
async fn an_end_that_cannot_be_read_changes_nothing() {
    // behaviour 96, defect M6, decision 14
    let (server, branches) = both().await;
    prepared(&server, &workflow("g", &branches)).await;
    for (body, words) in [
        (end("g", "succeed", "", "not base64!"), "req_extra.result"),
        (end("g", "failed", "why", "===="), "req_extra.result"),
        (end("g", "", "", ""), "req_extra.status"),
        (end("g", "submitted", "", ""), "req_extra.status"),
        (end("g", "SUCCEED", "", ""), "req_extra.status"),
        (json!({"gid": "g", "trans_type": "workflow"}), "req_extra.status"),
    ] {
        assert_refused(&server.post("submit", &body).await, 400, words);
    }
    let view = server.query("g").await;
    assert_eq!((view.status(), view.field("result")), ("prepared", ""));
}

#[tokio::test]
async fn nothing_is_recorded_after_the_end() {
    // behaviour 22, 100
    let (server, branches) = both().await;
    prepared(&server, &workflow("g", &branches)).await;
    server.accepts("submit", &end("g", "failed", "why", "")).await;
    let late = server.post("registerBranch", &step("g", "01", "action", "succeed")).await;
    assert_refused(&late, 409, "no trans with gid: g status: prepared found FAILURE");
    assert!(server.query("g").await.branches().is_empty());
}

#[tokio::test]
async fn a_workflow_is_called_back_until_its_client_reports() {
    // behaviour 98, 99, decision 8: by POST, whatever the answer
    let (server, branches) = both().await;
    branches.on("/workflow", [Reply::ongoing(), Reply::ok(), Reply::ongoing(), Reply::ok()]);
    prepared(&server, &workflow("g 1", &branches)).await;
    for call in 1..=4 {
        branches.wait_for("/workflow", call).await;
        server.accepts("resetNextCronTime", &json!({"gid": "g 1"})).await;
    }
    for call in branches.calls_of("/workflow").iter().take(4) {
        assert_eq!((call.method.as_str(), call.text()), ("POST", r#"{"amount":30}"#));
        assert_eq!(
            (call.op(), call.gid(), call.branch_id()),
            ("transfer out".into(), "g 1".into(), "00".into())
        );
        assert_eq!(call.parameter("trans_type"), "workflow");
    }
    let view = server.query("g 1").await;
    assert_eq!((view.status(), view.number("next_cron_interval")), ("prepared", 1), "no back-off");
    server.accepts("submit", &end("g 1", "succeed", "", "")).await;
    let calls = branches.count("/workflow");
    server.accepts("resetNextCronTime", &json!({"gid": "g 1"})).await;
    prepared(&server, &workflow("g 1", &branches)).await;
    assert_eq!(branches.count("/workflow"), calls, "nobody is called after the end");
}

#[tokio::test]
async fn a_call_back_without_input_is_a_post_too() {
    // decision 8, defect B14
    let (server, branches) = both().await;
    for data in ["null", "\"\""] {
        let gid = format!("g {data}");
        let custom_data = format!(r#"{{"name":"n","data":{data}}}"#);
        let body = workflow(&gid, &branches).with("custom_data", custom_data);
        prepared(&server, &body).await;
    }
    branches.wait_for("/workflow", 2).await;
    for call in branches.calls_of("/workflow") {
        assert_eq!((call.method.as_str(), call.text(), call.op()), ("POST", "", "n".to_owned()));
    }
}

#[tokio::test]
async fn a_call_back_that_fails_backs_off_and_alerts() {
    // decisions 8 and 9, defects B14, S4
    let branches = Branches::start().await;
    let server = Settings::default().with("ALERT_WEB_HOOK", branches.url("/hook")).start().await;
    branches.on("/workflow", [Reply::error()]);
    prepared(&server, &workflow("g", &branches).with("retry_interval", 10)).await;
    for (call, interval) in [(1, 20), (2, 40), (3, 80)] {
        server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
        branches.wait_for("/workflow", call).await;
        server.until("g", |view| view.number("next_cron_interval") == interval).await;
    }
    branches.wait_for("/hook", 1).await;
    let alert: Value = serde_json::from_str(branches.calls_of("/hook")[0].text()).expect("JSON");
    assert_eq!((&alert["gid"], &alert["status"]), (&json!("g"), &json!("prepared")));
    assert_eq!((&alert["branch"], &alert["retry_count"]), (&json!(branches.url("/workflow")), &json!(3)));
    server.accepts("submit", &end("g", "failed", "given up", "")).await;
    assert_eq!(server.query("g").await.status(), "failed");
}

#[tokio::test]
async fn a_workflow_is_resumed_after_a_crash_and_its_finished_steps_are_replayed() {
    // behaviour 97, 98, defect R6
    let (mut server, branches) = both().await;
    prepared(&server, &workflow("g", &branches)).await;
    server.accepts("registerBranch", &step("g", "01", "action", "succeed").with("data", "done")).await;
    server.kill().await;
    server.restart().await;
    branches.wait_for("/workflow", 1).await;
    let input = STANDARD.encode(branches.calls_of("/workflow")[0].text());
    let custom_data = json!({"name": "transfer out", "data": input}).to_string();
    let resumed = prepared(&server, &workflow("g", &branches).with("custom_data", custom_data)).await;
    assert_eq!(resumed["progresses"][0]["bin_data"], STANDARD.encode("done"));
    server.accepts("registerBranch", &step("g", "02", "action", "succeed")).await;
    server.accepts("submit", &end("g", "succeed", "", "")).await;
    server.kill().await;
    server.restart().await;
    let told = prepared(&server, &workflow("g", &branches)).await;
    assert_eq!(
        (&told["transaction"]["status"], told["progresses"].as_array().map(Vec::len)),
        (&json!("succeed"), Some(2))
    );
}

#[tokio::test]
async fn a_gid_in_use_by_something_else_is_refused() {
    // decision 1
    let (server, branches) = both().await;
    server.accepts("prepare", &json!({"gid": "tcc", "trans_type": "tcc"})).await;
    assert_refused(&server.post("prepareWorkflow", &workflow("tcc", &branches)).await, 409, "trans_type");
    assert_refused(&server.post("submit", &end("tcc", "succeed", "", "")).await, 409, "trans_type");
    assert_eq!(server.query("tcc").await.status(), "prepared");

    prepared(&server, &workflow("g", &branches)).await;
    let renamed = workflow("g", &branches).with("custom_data", r#"{"name":"other","data":null}"#);
    assert_refused(&server.post("prepareWorkflow", &renamed).await, 409, "custom_data");
    // An execution that has no input asks for what the first one did.
    prepared(
        &server,
        &workflow("g", &branches).with("custom_data", r#"{"name":"transfer out","data":null}"#),
    )
    .await;
    let saga = json!({"gid": "s", "trans_type": "saga", "steps": [], "payloads": []});
    assert_refused(&server.post("prepareWorkflow", &saga).await, 400, "workflow");
    let aborted = json!({"gid": "g", "trans_type": "workflow"});
    assert_refused(&server.post("abort", &aborted).await, 409, "cannot abort");
    assert_eq!(server.query("g").await.status(), "prepared");
    for bad in
        [json!({"trans_type": "workflow"}), workflow("b", &branches).with("query_prepared", "nonsense")]
    {
        assert_eq!(server.post("prepareWorkflow", &bad).await.status, 400);
    }
    let broken = workflow("b", &branches).with("custom_data", r#"{"name":"n","data":"no base64!"}"#);
    assert_refused(&server.post("prepareWorkflow", &broken).await, 400, "custom_data.data");
    assert!(!server.query("b").await.exists());
}

#[tokio::test]
async fn of_two_executions_at_once_each_is_told_the_same() {
    // behaviour 26
    let (server, branches) = both().await;
    let body = workflow("g", &branches);
    let answers =
        futures_util::future::join_all((0..20).map(|_| server.post("prepareWorkflow", &body))).await;
    for answer in answers {
        assert_eq!((answer.status, answer.json()["transaction"]["status"].clone()), (200, json!("prepared")));
    }
    let step = step("g", "01", "action", "succeed");
    let answers = futures_util::future::join_all((0..20).map(|_| server.post("registerBranch", &step))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(server.query("g").await.rows(), "s");
}
