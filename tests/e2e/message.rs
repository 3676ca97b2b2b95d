//! Two-phase messages (behaviour 87 to 93).

use serde_json::{Value, json};

use crate::harness::{Branches, Reply, SUCCESS, Settings, With, both, message};

#[tokio::test]
async fn submit_calls_the_branches_in_order_and_never_before() {
    // behaviour 87
    let (server, branches) = both().await;
    let body = message("g", &branches, 3);
    server.accepts("prepare", &body).await;
    assert!(branches.calls().is_empty());
    server.accepts("submit", &body).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "s s s"));
    assert_eq!(view.row_names(), ["01 action", "02 action", "03 action"]);
    assert_eq!(branches.paths(), ["/a1", "/a2", "/a3"]);
}

#[tokio::test]
async fn a_message_can_be_submitted_without_a_prepare() {
    // behaviour 13
    let (server, branches) = both().await;
    server.accepts("submit", &message("g", &branches, 1)).await;
    assert_eq!(server.end_of("g").await.rows(), "s");
}

#[tokio::test]
async fn no_answer_of_a_branch_ever_fails_a_message() {
    // behaviour 87
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::failure(), Reply::ok()]);
    let body = message("g", &branches, 2).with("retry_interval", 100);
    server.accepts("submit", &body).await;
    let waiting = server.until("g", |view| view.number("next_cron_interval") == 200).await;
    assert_eq!((waiting.status(), waiting.rows().as_str()), ("submitted", "p p"));
    assert_eq!(branches.paths(), ["/a1"], "one after the other");
    server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    assert_eq!(server.end_of("g").await.rows(), "s s");
    assert_eq!(branches.paths(), ["/a1", "/a1", "/a2"]);
}

#[tokio::test]
async fn concurrent_calls_all_branches_at_once() {
    // behaviour 87
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::ongoing()]);
    let body = message("g", &branches, 3).with("concurrent", true).with("wait_result", true);
    assert_eq!(server.post("submit", &body.with("retry_interval", 100)).await.status, 409);
    assert_eq!(server.query("g").await.rows(), "p s s");
}

#[tokio::test]
async fn a_client_that_never_decides_is_asked_and_its_yes_sends_the_message() {
    // behaviour 88
    let (server, branches) = both().await;
    server.accepts("prepare", &message("g", &branches, 1).with("timeout_to_fail", 1)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "s"));
    assert_eq!(branches.paths(), ["/query", "/a1"]);
    assert!(view.millis("finish_time") - view.millis("create_time") >= 1_000, "{view:?}");
}

#[tokio::test]
async fn a_no_to_the_back_check_fails_the_message() {
    // behaviour 88
    let (server, branches) = both().await;
    branches.on("/query", [Reply::failure()]);
    server.accepts("prepare", &message("g", &branches, 1).with("timeout_to_fail", 1)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "p"));
    assert_eq!(branches.paths(), ["/query"]);
}

#[tokio::test]
async fn a_back_check_without_a_clear_answer_is_asked_again() {
    // behaviour 88, defect R8
    let (server, branches) = both().await;
    branches.on(
        "/query",
        [Reply::ongoing(), Reply::error(), Reply::Close, Reply::of(503, "no database"), Reply::ok()],
    );
    let body = message("g", &branches, 1).with("timeout_to_fail", 1).with("retry_interval", 100);
    server.accepts("prepare", &body).await;
    for (call, interval) in [(1, 100), (2, 200), (3, 300), (4, 300)] {
        branches.wait_for("/query", call).await;
        let view = server
            .until("g", |view| view.millis("next_cron_time") - view.millis("update_time") > 50_000)
            .await;
        assert_eq!((view.status(), view.number("next_cron_interval")), ("prepared", interval), "call {call}");
        assert_eq!(branches.count("/a1"), 0, "call {call}");
        server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    }
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.count("/query"), 5);
}

#[tokio::test]
async fn a_back_check_that_is_no_success_never_sends_the_message() {
    // defect R8: an error page is not a yes
    let (server, branches) = both().await;
    branches.on("/query", [Reply::of(502, "<html>bad gateway</html>")]);
    let body = message("g", &branches, 1).with("timeout_to_fail", 1).with("retry_interval", 100);
    server.accepts("prepare", &body).await;
    branches.wait_for("/query", 1).await;
    server.until("g", |view| view.number("next_cron_interval") == 200).await;
    assert_eq!((server.query("g").await.status(), branches.count("/a1")), ("prepared", 0));
    server.accepts("abort", &body).await;
    assert_eq!(server.query("g").await.status(), "failed");
    assert_eq!(branches.count("/a1"), 0);
}

#[tokio::test]
async fn a_message_without_a_back_check_waits_for_a_decision() {
    // docs/decisions/0005
    let (server, branches) = both().await;
    let body = message("g", &branches, 1).with("query_prepared", "").with("timeout_to_fail", 1);
    server.accepts("prepare", &body.clone().with("retry_interval", 100)).await;
    let view = server.until("g", |view| view.number("next_cron_interval") == 200).await;
    assert_eq!(view.status(), "prepared");
    server.accepts("submit", &body).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
}

#[tokio::test]
async fn a_delayed_message_is_accepted_at_once_and_sent_later() {
    // behaviour 90
    let (server, branches) = both().await;
    let body = message("g", &branches, 1).with("custom_data", r#"{"delay":2}"#).with("retry_interval", 9);
    server.accepts("submit", &body).await;
    let waiting = server.query("g").await;
    assert_eq!((waiting.status(), branches.calls().len()), ("submitted", 0));
    assert_eq!(waiting.millis("next_cron_time") - waiting.millis("create_time"), 2_000, "{waiting:?}");
    assert_eq!(waiting.number("next_cron_interval"), 9);
    let ended = server.end_of("g").await;
    assert!(ended.millis("finish_time") - ended.millis("create_time") >= 2_000, "{ended:?}");
    assert_eq!(branches.paths(), ["/a1"]);
}

#[tokio::test]
async fn a_delay_of_prepare_holds_after_the_back_check() {
    // behaviour 90, defect B15, decision 21
    let (server, branches) = both().await;
    let body = message("g", &branches, 1).with("custom_data", r#"{"delay":3}"#).with("timeout_to_fail", 1);
    server.accepts("prepare", &body).await;
    branches.wait_for("/query", 1).await;
    server.until("g", |view| view.status() == "submitted").await;
    assert_eq!(branches.count("/a1"), 0);
    let ended = server.end_of("g").await;
    assert!(ended.millis("finish_time") - ended.millis("create_time") >= 3_000, "{ended:?}");
}

#[tokio::test]
async fn a_long_delay_waits_in_the_store_and_survives_a_restart() {
    // behaviour 90
    let (mut server, branches) = both().await;
    let body = message("g", &branches, 1).with("custom_data", r#"{"delay":100000}"#);
    server.accepts("submit", &body).await;
    let metrics = server.get("/api/metrics").await.body;
    assert!(!metrics.contains("dtm_active_transactions 1"), "nobody drives it:\n{metrics}");
    server.kill().await;
    server.restart().await;
    let view = server.query("g").await;
    assert_eq!((view.status(), branches.calls().len()), ("submitted", 0));
    assert_eq!(view.millis("next_cron_time") - view.millis("create_time"), 100_000_000);
}

#[tokio::test]
async fn who_waits_for_the_result_is_told_dtms_way() {
    // behaviour 91, defect B18, decision 5
    let (server, branches) = both().await;
    let body = |gid: &str| message(gid, &branches, 1).with("wait_result", true).with("retry_interval", 100);
    assert_eq!(server.post("submit", &body("done")).await.parts(), (200, SUCCESS));

    branches.on("/a1", [Reply::ongoing()]);
    let ongoing = server.post("submit", &body("ongoing")).await;
    let expected = r#"{"dtm_result":"FAILURE","message":"wait result not return success: FAILURE","status":"submitted"}"#;
    assert_eq!(ongoing.parts(), (409, expected));

    let advice = "your http/grpc result should be specified as in:\nhttp://d.dtm.pub/practice/arch.html#proto\nunkown result will be retried: ";
    branches.on("/a1", [Reply::of(409, "no stock")]);
    let failure = server.post("submit", &body("failure")).await;
    assert_eq!((failure.status, failure.message()), (409, format!("{advice}no stock FAILURE")));
    assert_eq!(failure.json()["status"], "submitted");

    branches.on("/a1", [Reply::error()]);
    let error = server.post("submit", &body("error")).await;
    assert_eq!(error.status, 500, "{error:?}");
    assert!(error.message().starts_with(advice), "{error:?}");
}

#[tokio::test]
async fn stuck_transactions_are_reported_from_the_third_failure_on() {
    // behaviour 92, defects S5, M10, decision 9
    let branches = Branches::start().await;
    branches.on("/hook", [Reply::Hang]); // its answer is ignored, and nobody waits for it
    let server = Settings::default().with("ALERT_WEB_HOOK", branches.url("/hook?token=hush")).start().await;
    branches.on("/a1", [Reply::error()]);
    branches.on("/query", [Reply::error()]);
    server.submit(&message("branch", &branches, 1).with("retry_interval", 100)).await;
    let asked = message("check", &branches, 2).with("timeout_to_fail", 1).with("retry_interval", 100);
    server.accepts("prepare", &asked).await;
    for (gid, path) in [("branch", "/a1"), ("check", "/query")] {
        for call in 1..=3 {
            branches.wait_for(path, call).await;
            let failures = 100 << call.min(2);
            server.until(gid, |view| view.number("next_cron_interval") >= failures.min(300)).await;
            if call < 3 {
                assert!(branches.calls_of("/hook").iter().all(|call| !call.text().contains(gid)));
                server.accepts("resetNextCronTime", &json!({"gid": gid})).await;
            }
        }
    }
    branches.wait_for("/hook", 2).await;
    for alert in branches.calls_of("/hook") {
        let alert: Value = serde_json::from_str(alert.text()).unwrap();
        let (path, status) =
            if alert["gid"] == "branch" { ("/a1", "submitted") } else { ("/query", "prepared") };
        assert_eq!(alert["branch"], branches.url(path), "{alert}");
        assert_eq!((&alert["status"], &alert["retry_count"]), (&json!(status), &json!(3)), "{alert}");
        assert!(alert["error"].is_string(), "{alert}");
    }
}
