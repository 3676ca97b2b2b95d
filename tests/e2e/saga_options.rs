//! Options of sagas (behaviour 68 to 74).

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Gate, Reply, SUCCESS, With, both, saga};

const NOT_ENDED: &str =
    r#"{"dtm_result":"FAILURE","message":"wait result not return success: FAILURE","status":"submitted"}"#;

#[tokio::test]
async fn who_waits_for_the_result_is_told_how_it_ended_and_where_it_stands() {
    // behaviour 68, defect B18, decision 5
    let (server, branches) = both().await;
    let waiting = |gid: &str| saga(gid, &branches, 2).with("wait_result", true).with("retry_interval", 100);
    assert_eq!(server.post("submit", &waiting("done")).await.parts(), (200, SUCCESS));
    assert_eq!(server.query("done").await.status(), "succeed");

    branches.on("/a2", [Reply::of(409, "no stock")]);
    let url = branches.url("/a2");
    let rolled_back = server.post("submit", &waiting("undone")).await;
    let reason = format!("url:{url} return failed: no stock FAILURE");
    let expected = json!({"dtm_result": "FAILURE", "message": reason, "status": "failed"}).to_string();
    assert_eq!(rolled_back.parts(), (409, expected.as_str()));
    assert_eq!(server.query("undone").await.reason(), reason);

    branches.on("/a2", [Reply::ongoing()]);
    assert_eq!(server.post("submit", &waiting("ongoing")).await.parts(), (409, NOT_ENDED));
    branches.on("/a2", [Reply::error()]);
    assert_eq!(server.post("submit", &waiting("error")).await.parts(), (409, NOT_ENDED));
    for gid in ["ongoing", "error"] {
        assert_eq!(server.query(gid).await.status(), "submitted", "{gid}: 409 does not mean rolled back");
    }

    branches.on("/a2", [Reply::failure()]);
    branches.on("/c2", [Reply::error()]);
    let aborting = server.post("submit", &waiting("aborting")).await;
    assert_eq!((aborting.status, &aborting.json()["status"]), (409, &json!("aborting")));
}

#[tokio::test]
async fn who_asks_again_while_it_runs_waits_for_the_same_pass() {
    // behaviour 15, 68, decision 1
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    let waiting = saga("g", &branches, 2).with("wait_result", true).with("request_timeout", 20);
    let client = server.client().clone();
    let (body, first) = (waiting.clone(), client.clone());
    let first = tokio::spawn(async move { first.post("submit", &body).await });
    branches.wait_for("/a1", 1).await;
    let second = tokio::spawn(async move { client.post("submit", &waiting).await });
    server.submit(&saga("g", &branches, 2)).await;
    gate.open();
    assert_eq!(first.await.unwrap().parts(), (200, SUCCESS));
    let second = second.await.unwrap();
    let late = "current status 'succeed', cannot sumbmit. FAILURE";
    assert!(second.status == 200 || second.message() == late, "{second:?}");
    assert_eq!(branches.paths(), ["/a1", "/a2"]);
}

#[tokio::test]
async fn a_saga_that_is_too_old_is_undone_and_says_so() {
    // behaviour 69
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::error()]);
    server.submit(&saga("g", &branches, 2).with("retry_interval", 100).with("timeout_to_fail", 2)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.reason()), ("failed", "Timeout after 2 seconds"));
    assert_eq!(branches.paths(), ["/a1", "/a2", "/c2", "/c1"]);
    let age = view.millis("rollback_time") - view.millis("create_time");
    assert!((2_000..6_000).contains(&age), "{age} ms");
}

#[tokio::test]
async fn a_time_out_waits_for_the_answer_of_an_action_that_is_out() {
    // behaviour 69, invariant I5
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    server.submit(&saga("g", &branches, 2).with("timeout_to_fail", 1).with("request_timeout", 20)).await;
    let aborting = server.until("g", |view| view.status() == "aborting").await;
    assert_eq!(aborting.rows(), "p p p p");
    assert_eq!(branches.paths(), ["/a1"], "nothing is undone while it may still be done");
    gate.open();
    assert_eq!(server.end_of("g").await.rows(), "s s p p");
    assert_eq!(branches.paths(), ["/a1", "/c1"]);
}

#[tokio::test]
async fn zero_and_nothing_mean_no_time_out() {
    // behaviour 69
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::ongoing(), Reply::ok()]);
    let body = saga("g", &branches, 1).with("timeout_to_fail", 0).with("retry_interval", 2);
    server.submit(&body).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
}

#[tokio::test]
async fn the_first_interval_is_the_clients_or_a_short_time_out() {
    // behaviour 70, 71, 107
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::ongoing()]);
    let body = |gid: &str| {
        let mut body = saga(gid, &branches, 1).with("wait_result", true);
        body.as_object_mut().unwrap().remove("retry_interval");
        body
    };
    for (gid, body, interval) in [
        ("default", body("default"), 10),
        ("own", body("own").with("retry_interval", 77), 77),
        ("short", body("short").with("timeout_to_fail", 6), 6),
        ("long", body("long").with("timeout_to_fail", 60), 10),
        ("both", body("both").with("timeout_to_fail", 6).with("retry_interval", 8), 8),
    ] {
        assert_eq!(server.post("submit", &body).await.parts(), (409, NOT_ENDED), "{gid}");
        assert_eq!(server.query(gid).await.number("next_cron_interval"), interval, "{gid}");
    }
}

#[tokio::test]
async fn with_a_retry_limit_a_failing_action_is_repeated_at_once_and_then_undone() {
    // behaviour 72, decision 7
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::error()]);
    let begun = Instant::now();
    server.submit(&saga("g", &branches, 2).with("retry_interval", 100).with("retry_limit", 2)).await;
    let view = server.end_of("g").await;
    assert!(begun.elapsed() < Duration::from_secs(20), "at once, not after an interval");
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s p"));
    assert_eq!(view.reason(), "RetryCount is greater than RetryLimit, RetryLimit: 2");
    assert_eq!(branches.paths(), ["/a1", "/a2", "/a2", "/a2", "/c2", "/c1"]);
}

#[tokio::test]
async fn a_retry_limit_counts_each_branch_for_itself_and_ongoing_not_at_all() {
    // behaviour 72, defect M2, decision 7
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::error(), Reply::error(), Reply::ok()]);
    branches.on("/a2", [Reply::error(), Reply::ongoing(), Reply::error(), Reply::ok()]);
    server.submit(&saga("g", &branches, 2).with("retry_limit", 2)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s"), "{view:?}");
}

#[tokio::test]
async fn a_retry_limit_counts_across_a_kill_of_the_server() {
    // defect S3
    let (mut server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::error(), Reply::error(), Reply::ok().behind(&gate), Reply::error()]);
    let body = saga("g", &branches, 1).with("retry_limit", 3).with("request_timeout", 20);
    server.submit(&body).await;
    branches.wait_for("/a1", 3).await;
    server.kill().await;
    server.restart().await;
    let view = server.end_of("g").await;
    assert_eq!(view.status(), "failed");
    // Two failures before the kill, the one that was out when it came, and two more up to the limit of 3.
    assert_eq!(branches.count("/a1"), 5, "{:?}", branches.paths());
    assert_eq!(branches.count("/c1"), 1);
}

#[tokio::test]
async fn a_request_timeout_of_its_own_is_kept_in_later_passes() {
    // behaviour 53, 73, defect R9
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::Hang, Reply::Hang, Reply::ok()]);
    let begun = Instant::now();
    server.submit(&saga("g", &branches, 1).with("request_timeout", 1).with("retry_interval", 1)).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
    // 1 s + 2 s pause + 1 s + 4 s pause, with the configured 3 s it would be 10 s at least.
    assert!(begun.elapsed() < Duration::from_millis(9_900), "{:?}", begun.elapsed());
}
