//! TCC (behaviour 75 to 81).

use serde_json::{Value, json};

use crate::harness::{Branches, Reply, SUCCESS, Server, With, both};

fn tcc(gid: &str) -> Value {
    json!({"gid": gid, "trans_type": "tcc", "retry_interval": 1})
}

/// Prepares a TCC with branches of these ids; branch `n` has `/confirm<n>` and `/cancel<n>`.
async fn prepared(server: &Server, branches: &Branches, body: &Value, ids: &[&str]) {
    server.accepts("prepare", body).await;
    for id in ids {
        let register = json!({
            "gid": body["gid"], "trans_type": "tcc", "branch_id": id, "data": format!("{{\"branch\":\"{id}\"}}"),
            "confirm": branches.url(&format!("/confirm{id}")), "cancel": branches.url(&format!("/cancel{id}")),
        });
        server.accepts("registerBranch", &register).await;
    }
}

#[tokio::test]
async fn submit_confirms_every_branch_the_last_one_first() {
    // behaviour 75
    let (server, branches) = both().await;
    prepared(&server, &branches, &tcc("g"), &["01", "02", "03"]).await;
    assert_eq!(server.query("g").await.status(), "prepared");
    server.accepts("submit", &tcc("g")).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s p s"));
    assert_eq!(branches.paths(), ["/confirm03", "/confirm02", "/confirm01"]);
    assert_eq!(branches.calls()[0].text(), r#"{"branch":"03"}"#);
}

#[tokio::test]
async fn abort_cancels_every_branch_the_last_one_first() {
    // behaviour 76
    let (server, branches) = both().await;
    prepared(&server, &branches, &tcc("g"), &["01", "02"]).await;
    branches.on("/cancel02", [Reply::ongoing(), Reply::ok()]);
    server.accepts("abort", &tcc("g").with("rollback_reason", "try failed")).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str(), view.reason()), ("failed", "s p s p", "try failed"));
    assert_eq!(branches.paths(), ["/cancel02", "/cancel02", "/cancel01"]);
}

#[tokio::test]
async fn abort_while_aborting_is_fine() {
    // behaviour 17
    let (server, branches) = both().await;
    prepared(&server, &branches, &tcc("g").with("retry_interval", 100), &["01"]).await;
    branches.on("/cancel01", [Reply::error(), Reply::ok()]);
    server.accepts("abort", &tcc("g")).await;
    server.until("g", |view| view.number("next_cron_interval") == 200).await;
    server.accepts("abort", &tcc("g")).await;
    assert_eq!(server.end_of("g").await.status(), "failed");
    assert_eq!(branches.paths(), ["/cancel01", "/cancel01"]);
}

#[tokio::test]
async fn a_confirm_that_fails_is_tried_again_and_stops_the_ones_before_it() {
    // behaviour 75, 77
    let (server, branches) = both().await;
    prepared(&server, &branches, &tcc("g").with("retry_interval", 100), &["01", "02"]).await;
    branches.on("/confirm02", [Reply::failure(), Reply::ok()]);
    server.accepts("submit", &tcc("g").with("retry_interval", 100)).await;
    let waiting = server.until("g", |view| view.number("next_cron_interval") == 200).await;
    assert_eq!((waiting.status(), waiting.rows().as_str()), ("submitted", "p p p p"));
    assert_eq!(branches.paths(), ["/confirm02"]);
    server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    assert_eq!(server.end_of("g").await.rows(), "p s p s");
    assert_eq!(branches.paths(), ["/confirm02", "/confirm02", "/confirm01"]);
}

#[tokio::test]
async fn a_client_that_never_decides_is_cancelled_after_the_time_out() {
    // behaviour 78
    let (server, branches) = both().await;
    prepared(&server, &branches, &tcc("g").with("timeout_to_fail", 1), &["01"]).await;
    assert!(branches.calls().is_empty(), "nothing before the time-out");
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s p"));
    assert_eq!(view.reason(), "Timeout after 1 seconds");
    assert!(view.millis("rollback_time") - view.millis("create_time") >= 1_000, "{view:?}");
    assert_eq!(branches.paths(), ["/cancel01"]);
    // behaviour 84 says the same of XA: the decision comes too late.
    assert_eq!(server.post("submit", &tcc("g")).await.status, 409);
}

#[tokio::test]
async fn before_the_time_out_a_pass_does_nothing_to_a_prepared_one() {
    // behaviour 78
    let (server, branches) = both().await;
    prepared(&server, &branches, &tcc("g"), &["01"]).await;
    server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    assert_eq!(server.query("g").await.status(), "prepared");
    server.accepts("submit", &tcc("g")).await;
    assert_eq!(server.end_of("g").await.rows(), "p s");
    assert_eq!(branches.paths(), ["/confirm01"]);
}

#[tokio::test]
async fn nested_branches_are_flat_and_in_order_of_registration() {
    // behaviour 79
    let (server, branches) = both().await;
    prepared(&server, &branches, &tcc("g"), &["01", "0101", "0102", "02"]).await;
    server.accepts("submit", &tcc("g")).await;
    let view = server.end_of("g").await;
    assert_eq!(view.row_names().iter().filter(|name| name.ends_with("confirm")).count(), 4);
    assert_eq!(branches.paths(), ["/confirm02", "/confirm0102", "/confirm0101", "/confirm01"]);
}

#[tokio::test]
async fn without_branches_the_end_comes_at_once() {
    let (server, branches) = both().await;
    for (gid, verb, status) in [("s", "submit", "succeed"), ("a", "abort", "failed")] {
        prepared(&server, &branches, &tcc(gid), &[]).await;
        server.accepts(verb, &tcc(gid)).await;
        let view = server.end_of(gid).await;
        assert_eq!((view.status(), view.rows().as_str()), (status, ""));
    }
}

#[tokio::test]
async fn an_empty_confirm_url_is_a_success() {
    // behaviour 80
    let (server, branches) = both().await;
    server.accepts("prepare", &tcc("g")).await;
    let register = json!({"gid": "g", "trans_type": "tcc", "branch_id": "01", "confirm": "", "cancel": ""});
    server.accepts("registerBranch", &register).await;
    server.accepts("submit", &tcc("g")).await;
    assert_eq!(server.end_of("g").await.rows(), "p s");
    assert!(branches.calls().is_empty());
}

#[tokio::test]
async fn who_waits_for_the_result_is_told_ongoing_by_425_a_failure_by_409_and_an_error_by_500() {
    // behaviour 3, 77, 80, 91, decision 5, defect B18
    let (server, branches) = both().await;
    let body = |gid: &str| tcc(gid).with("wait_result", true).with("retry_interval", 100);
    prepared(&server, &branches, &body("done"), &["01"]).await;
    assert_eq!(server.post("submit", &body("done")).await.parts(), (200, SUCCESS));

    prepared(&server, &branches, &body("ongoing"), &["02"]).await;
    branches.on("/confirm02", [Reply::ongoing()]);
    let ongoing = server.post("submit", &body("ongoing")).await;
    let expected = r#"{"dtm_result":"ONGOING","message":"ONGOING","status":"submitted"}"#;
    assert_eq!(ongoing.parts(), (425, expected));

    prepared(&server, &branches, &body("error"), &["03"]).await;
    branches.on("/confirm03", [Reply::error()]);
    let error = server.post("submit", &body("error")).await;
    assert_eq!(error.status, 500, "{error:?}");
    assert!(error.json().get("dtm_result").is_none(), "{error:?}");
    assert_eq!(error.json()["status"], "submitted", "decision 5: {error:?}");

    prepared(&server, &branches, &body("failure"), &["04"]).await;
    branches.on("/confirm04", [Reply::of(409, "no stock")]);
    let failure = server.post("submit", &body("failure")).await;
    assert_eq!((failure.status, &failure.json()["status"]), (409, &json!("submitted")), "{failure:?}");
    for (answer, end) in [(error, ""), (failure, "no stock FAILURE")] {
        let message = answer.message();
        assert!(message.starts_with("your http/grpc result should be specified as in:"), "{message}");
        assert!(message.ends_with(end), "{message}");
    }
    for gid in ["ongoing", "error", "failure"] {
        assert_eq!(server.query(gid).await.status(), "submitted", "{gid}");
    }
}

#[tokio::test]
async fn who_waits_for_the_result_of_an_abort_is_answered_after_the_first_pass() {
    // behaviour 17, 80, decision 5
    let (server, branches) = both().await;
    for (gid, id, prepare_waits, abort_waits) in [("p", "01", true, false), ("a", "02", false, true)] {
        let body = tcc(gid).with("retry_interval", 100);
        prepared(&server, &branches, &body.clone().with("wait_result", prepare_waits), &[id]).await;
        branches.on(&format!("/cancel{id}"), [Reply::ongoing(), Reply::error(), Reply::ok()]);
        let abort = body.with("wait_result", abort_waits).with("rollback_reason", "no luck");

        let ongoing = server.post("abort", &abort).await;
        let expected = r#"{"dtm_result":"ONGOING","message":"ONGOING","status":"aborting"}"#;
        assert_eq!(ongoing.parts(), (425, expected), "{gid}");
        let error = server.post("abort", &abort).await;
        assert_eq!((error.status, &error.json()["status"]), (500, &json!("aborting")), "{error:?}");
        assert_eq!(server.post("abort", &abort).await.parts(), (200, SUCCESS), "{gid}");
        let view = server.query(gid).await;
        assert_eq!((view.status(), view.reason()), ("failed", "no luck"), "ended before the answer");
        let late = server.post("abort", &abort).await;
        assert_eq!(late.status, 409, "{late:?}");
    }
}

#[tokio::test]
async fn a_cancel_that_hangs_does_not_block_the_next_pass() {
    // behaviour 81
    let (server, branches) = both().await;
    let body = tcc("g").with("request_timeout", 1);
    prepared(&server, &branches, &body, &["01"]).await;
    branches.on("/cancel01", [Reply::Hang, Reply::ok()]);
    server.accepts("abort", &body).await;
    assert_eq!(server.end_of("g").await.status(), "failed");
    assert_eq!(branches.paths(), ["/cancel01", "/cancel01"]);
}

#[tokio::test]
async fn many_branches_registered_at_the_same_moment_are_all_there() {
    let (server, branches) = both().await;
    prepared(&server, &branches, &tcc("g"), &[]).await;
    let register = |id: usize| {
        let body = json!({
            "gid": "g", "trans_type": "tcc", "branch_id": format!("{id:02}"), "data": "{}",
            "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"),
        });
        let server = &server;
        async move { server.post("registerBranch", &body).await }
    };
    for answer in futures_util::future::join_all((0..20).map(register)).await {
        assert_eq!(answer.parts(), (200, SUCCESS));
    }
    server.accepts("submit", &tcc("g")).await;
    let view = server.end_of("g").await;
    assert_eq!((view.branches().len(), branches.count("/confirm")), (40, 20));
}
