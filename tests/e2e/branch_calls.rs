//! What a branch gets (behaviour 49 to 54).

use http::Method;
use serde_json::json;

use crate::harness::{Gate, Reply, With, both, message, saga};

#[tokio::test]
async fn a_call_carries_its_origin_in_the_query_and_is_json() {
    // behaviour 49, 50
    let (server, branches) = both().await;
    server.submit(&saga("order 1/ü", &branches, 1)).await;
    server.end_of("order 1/ü").await;
    let call = &branches.calls()[0];
    assert_eq!((&call.method, call.path.as_str()), (&Method::POST, "/a1"));
    assert_eq!(call.query, "branch_id=01&gid=order%201%2F%C3%BC&op=action&trans_type=saga");
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(call.header("content-length"), "10");
    assert_eq!(call.header("host"), branches.address().to_string());
    assert_eq!(call.text(), r#"{"step":1}"#);
}

#[tokio::test]
async fn a_query_of_the_url_is_kept_and_added_to() {
    // behaviour 49
    let (server, branches) = both().await;
    let action = branches.url("/a1?tenant=7&x=%20y#part");
    let steps = json!([{"action": action, "compensate": ""}]);
    server.submit(&saga("g", &branches, 1).with("steps", steps)).await;
    server.end_of("g").await;
    assert_eq!(branches.calls()[0].query, "tenant=7&x=%20y&branch_id=01&gid=g&op=action&trans_type=saga");
}

#[tokio::test]
async fn an_empty_payload_is_a_get_and_any_other_a_post() {
    // behaviour 50, 51
    let (server, branches) = both().await;
    server.submit(&saga("g", &branches, 3).with("payloads", json!(["", "null", " not JSON \u{0}"]))).await;
    server.end_of("g").await;
    let seen: Vec<_> =
        branches.calls().iter().map(|call| (call.method.clone(), call.text().to_owned())).collect();
    let expected = [
        (Method::GET, String::new()),
        (Method::POST, "null".to_owned()),
        (Method::POST, " not JSON \u{0}".to_owned()),
    ];
    assert_eq!(seen, expected, "byte for byte");
}

#[tokio::test]
async fn a_large_payload_arrives_whole() {
    // behaviour 51
    let (server, branches) = both().await;
    let payload = format!("{{\"text\":\"{}\"}}", "ä".repeat(1_000_000));
    server.submit(&saga("g", &branches, 1).with("payloads", json!([payload]))).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.calls()[0].text(), payload);
}

#[tokio::test]
async fn branch_headers_are_on_every_call_of_every_pass_and_win() {
    // behaviour 49, 73
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::error(), Reply::failure()]);
    let headers = json!({"x-token": "t-1", "content-type": "application/vnd.mine", "X-Mixed-Case": "kept"});
    server.submit(&saga("g", &branches, 2).with("branch_headers", headers)).await;
    assert_eq!(server.end_of("g").await.status(), "failed");
    assert_eq!(branches.paths(), ["/a1", "/a2", "/a2", "/c2", "/c1"]);
    for call in branches.calls() {
        assert_eq!(call.header("x-token"), "t-1", "{call:?}");
        assert_eq!(call.header("content-type"), "application/vnd.mine", "{call:?}");
        assert_eq!(call.header("x-mixed-case"), "kept", "{call:?}");
    }
}

#[tokio::test]
async fn an_empty_url_is_a_success_without_a_call() {
    // behaviour 54, 80
    let (server, branches) = both().await;
    let steps = json!([
        {"action": "", "compensate": branches.url("/c1")},
        {"action": branches.url("/a2"), "compensate": ""},
    ]);
    server.submit(&saga("done", &branches, 2).with("steps", steps.clone())).await;
    assert_eq!(server.end_of("done").await.rows(), "p s p s");
    branches.on("/a2", [Reply::failure()]);
    server.submit(&saga("undone", &branches, 2).with("steps", steps)).await;
    assert_eq!(server.end_of("undone").await.rows(), "s s s f");
    assert_eq!(branches.paths(), ["/a2", "/a2", "/c1"]);
}

#[tokio::test]
async fn a_saga_without_steps_succeeds_at_once() {
    // behaviour 54
    let (server, branches) = both().await;
    server.submit(&saga("g", &branches, 0)).await;
    assert_eq!(server.end_of("g").await.rows(), "");
    let waiting = saga("w", &branches, 0).with("wait_result", true);
    server.submit(&waiting).await;
    assert_eq!(server.query("w").await.status(), "succeed");
}

#[tokio::test]
async fn tcc_xa_and_the_back_check_say_what_they_are() {
    // behaviour 49, 50, 82, 88
    let (server, branches) = both().await;
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc"})).await;
    let register = json!({
        "gid": "t", "trans_type": "tcc", "branch_id": "0201", "data": "{\"n\":1}",
        "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"),
    });
    server.accepts("registerBranch", &register).await;
    server.accepts("submit", &json!({"gid": "t", "trans_type": "tcc"})).await;
    server.end_of("t").await;
    let confirm = &branches.calls_of("/confirm")[0];
    assert_eq!(confirm.query, "branch_id=0201&gid=t&op=confirm&trans_type=tcc");
    assert_eq!((&confirm.method, confirm.text()), (&Method::POST, r#"{"n":1}"#));

    server.accepts("prepare", &json!({"gid": "x", "trans_type": "xa"})).await;
    let register = json!({
        "gid": "x", "trans_type": "xa", "branch_id": "01", "url": branches.url("/xa"), "data": "ignored",
    });
    server.accepts("registerBranch", &register).await;
    server.accepts("abort", &json!({"gid": "x", "trans_type": "xa"})).await;
    server.end_of("x").await;
    let rollback = &branches.calls_of("/xa")[0];
    assert_eq!(rollback.query, "branch_id=01&gid=x&op=rollback&trans_type=xa");
    assert_eq!((&rollback.method, rollback.text()), (&Method::POST, ""), "POST without a body");

    server.accepts("prepare", &message("m", &branches, 1).with("timeout_to_fail", 1)).await;
    server.end_of("m").await;
    let check = &branches.calls_of("/query")[0];
    assert_eq!(check.query, "branch_id=00&gid=m&op=msg&trans_type=msg");
    assert_eq!((&check.method, check.text()), (&Method::GET, ""));
    assert_eq!(branches.calls_of("/a1")[0].query, "branch_id=01&gid=m&op=action&trans_type=msg");
}

#[tokio::test]
async fn a_time_out_of_one_transaction_is_its_own() {
    // behaviour 53, defects R9, R10
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/slow", [Reply::ok().behind(&gate)]);
    let steps = json!([{"action": branches.url("/slow"), "compensate": ""}]);
    let body = |gid: &str, seconds: i64| {
        saga(gid, &branches, 1).with("steps", steps.clone()).with("request_timeout", seconds)
    };
    server.submit(&body("patient", 20).with("retry_interval", 100)).await;
    branches.wait_for("/slow", 1).await;
    server.submit(&body("hasty", 1).with("retry_interval", 100)).await;
    let hasty = server.until("hasty", |view| view.number("next_cron_interval") == 200).await;
    assert_eq!(hasty.status(), "submitted", "a time-out is never a failure");
    assert_eq!(
        server.query("patient").await.number("next_cron_interval"),
        100,
        "still waiting for its answer"
    );
    gate.open();
    assert_eq!(server.end_of("patient").await.status(), "succeed");
    assert_eq!(branches.calls().iter().filter(|call| call.gid() == "patient").count(), 1);
}
