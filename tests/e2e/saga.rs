//! Sagas, one step after the other (behaviour 56 to 63).

use serde_json::json;

use crate::harness::{Gate, Reply, With, both, saga};

#[tokio::test]
async fn when_all_actions_succeed_they_were_called_in_order_and_once() {
    // behaviour 56, 57
    let (server, branches) = both().await;
    server.submit(&saga("g", &branches, 3)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str(), view.reason()), ("succeed", "p s p s p s", ""));
    let names = ["01 compensate", "01 action", "02 compensate", "02 action", "03 compensate", "03 action"];
    assert_eq!(view.row_names(), names);
    assert_eq!(branches.paths(), ["/a1", "/a2", "/a3"]);
    assert!(view.branches().iter().all(|row| row["bin_data"].is_string()), "both rows have the payload");
}

#[tokio::test]
async fn submit_is_answered_before_the_first_branch_has_answered() {
    // behaviour 13
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    server.submit(&saga("g", &branches, 1)).await;
    branches.wait_for("/a1", 1).await;
    assert_eq!(server.query("g").await.status(), "submitted");
    gate.open();
    assert_eq!(server.end_of("g").await.status(), "succeed");
}

#[tokio::test]
async fn when_an_action_fails_everything_is_undone_in_reverse_its_own_step_first() {
    // behaviour 58, defect R21, invariant I5
    let (server, branches) = both().await;
    branches.on("/a3", [Reply::failure()]);
    server.submit(&saga("g", &branches, 4)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s s s f p p"));
    let body = r#"{"dtm_result":"FAILURE","message":"no stock"}"#;
    assert_eq!(view.reason(), format!("url:{} return failed: {body} FAILURE", branches.url("/a3")));
    assert_eq!(branches.paths(), ["/a1", "/a2", "/a3", "/c3", "/c2", "/c1"]);
    for call in branches.calls().iter().skip(3) {
        assert_eq!(
            (call.op().as_str(), call.text()),
            ("compensate", format!("{{\"step\":{}}}", &call.path[2..]).as_str())
        );
    }
}

#[tokio::test]
async fn an_ongoing_action_holds_back_the_later_ones_and_keeps_the_interval() {
    // behaviour 59, 62
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::ongoing(), Reply::ongoing(), Reply::ok()]);
    let waiting = saga("g", &branches, 3).with("wait_result", true).with("retry_interval", 500);
    let answer = server.post("submit", &waiting).await;
    let expected = r#"{"dtm_result":"FAILURE","message":"wait result not return success: FAILURE","status":"submitted"}"#;
    assert_eq!(answer.parts(), (409, expected));
    let view = server.query("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("submitted", "p s p p p p"));
    assert_eq!(view.number("next_cron_interval"), 500);
    let wait = view.millis("next_cron_time") - view.millis("update_time");
    assert!((499_000..=501_000).contains(&wait), "due one interval after the answer: {view:?}");
    server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    branches.wait_for("/a2", 2).await;
    server.until("g", |view| view.millis("next_cron_time") - view.millis("update_time") > 400_000).await;
    assert_eq!(server.query("g").await.number("next_cron_interval"), 500);
    server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    assert_eq!(server.end_of("g").await.rows(), "p s p s p s");
    assert_eq!(
        branches.paths(),
        ["/a1", "/a2", "/a2", "/a2", "/a3"],
        "what has succeeded is not called again"
    );
}

#[tokio::test]
async fn an_action_that_ends_otherwise_is_tried_again_with_twice_the_interval() {
    // behaviour 60, 62, 70, defect R5
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::error(), Reply::Close, Reply::error(), Reply::ok()]);
    server.submit(&saga("g", &branches, 2).with("retry_interval", 150)).await;
    for interval in [300, 300, 300] {
        // decision 6: not above RetryIntervalMax = 300 s
        let view = server.until("g", |view| view.number("next_cron_interval") == interval).await;
        assert_eq!((view.status(), view.rows().as_str(), view.reason()), ("submitted", "p p p p", ""));
        let calls = branches.count("/a1");
        server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
        branches.wait_for("/a1", calls + 1).await;
    }
    let view = server.end_of("g").await;
    assert_eq!(view.rows(), "p s p s");
    assert_eq!(view.number("next_cron_interval"), 150, "behaviour 93: a success resets the interval");
    assert_eq!(branches.paths(), ["/a1", "/a1", "/a1", "/a1", "/a2"]);
}

#[tokio::test]
async fn a_failing_call_is_retried_by_itself_after_its_interval() {
    // behaviour 60, defect R1: at the policy's times only
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::error(), Reply::error(), Reply::ok()]);
    server.submit(&saga("g", &branches, 1)).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
    let calls = branches.calls();
    let pauses: Vec<_> = calls.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
    assert_eq!(pauses.len(), 2);
    for (pause, doubled) in pauses.into_iter().zip([2.0, 4.0]) {
        assert!((doubled - 0.05..doubled + 2.0).contains(&pause), "{pause} s instead of {doubled} s");
    }
}

#[tokio::test]
async fn a_compensation_is_tried_until_it_works_whatever_it_answers() {
    // behaviour 61
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    branches.on("/c2", [Reply::ongoing(), Reply::error(), Reply::failure(), Reply::Close, Reply::ok()]);
    server.submit(&saga("g", &branches, 2).with("retry_interval", 200)).await;
    for call in 1..5 {
        branches.wait_for("/c2", call).await;
        let view = server
            .until("g", |view| view.millis("next_cron_time") - view.millis("update_time") > 100_000)
            .await;
        assert_eq!((view.status(), view.rows().as_str()), ("aborting", "p s p f"), "call {call}");
        server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    }
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s f"));
    assert_eq!(branches.paths(), ["/a1", "/a2", "/c2", "/c2", "/c2", "/c2", "/c2", "/c1"]);
}

#[tokio::test]
async fn only_what_may_have_run_is_undone() {
    // behaviour 63: ONGOING first step, then the time-out
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::ongoing()]);
    server.submit(&saga("g", &branches, 2).with("retry_interval", 100).with("timeout_to_fail", 1)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s p p p"));
    assert_eq!(branches.paths(), ["/a1", "/c1"]);
}

#[tokio::test]
async fn an_action_whose_outcome_nobody_knows_is_undone_at_least_once() {
    // defect R4
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::Close]);
    server.submit(&saga("g", &branches, 3).with("retry_interval", 100).with("timeout_to_fail", 1)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s p p p"));
    assert_eq!(branches.paths(), ["/a1", "/a2", "/c2", "/c1"]);
}
