//! Concurrent sagas (behaviour 64 to 67).

use serde_json::json;

use crate::harness::{Gate, Reply, With, both, saga};

/// `custom_data` with these orders.
fn concurrent(orders: &str) -> String {
    format!(r#"{{"concurrent":true,"orders":{orders}}}"#)
}

#[tokio::test]
async fn all_steps_without_an_order_start_at_once() {
    // behaviour 64, defect R20: PHP sends [] for an empty map
    let (server, branches) = both().await;
    for (gid, orders) in [("object", "{}"), ("null", "null"), ("list", "[]")] {
        let gate = Gate::closed();
        let before = branches.calls().len();
        for step in ["/a1", "/a2", "/a3"] {
            branches.on(step, [Reply::ok().behind(&gate)]);
        }
        server.submit(&saga(gid, &branches, 3).with("custom_data", concurrent(orders))).await;
        branches.wait_until("all three", |branches| branches.calls().len() == before + 3).await;
        gate.open();
        assert_eq!(server.end_of(gid).await.rows(), "p s p s p s", "{gid}");
    }
}

#[tokio::test]
async fn an_ongoing_step_does_not_stop_the_others() {
    // behaviour 64
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::ongoing()]);
    let body = saga("g", &branches, 2).with("custom_data", concurrent("{}"));
    let answer = server.post("submit", &body.with("wait_result", true).with("retry_interval", 100)).await;
    assert_eq!((answer.status, &answer.json()["status"]), (409, &json!("submitted")));
    let view = server.query("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("submitted", "p p p s"));
}

#[tokio::test]
async fn a_step_waits_for_the_ones_that_orders_names() {
    // behaviour 64
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a2", [Reply::ok().behind(&gate)]);
    let body = saga("g", &branches, 4).with("custom_data", concurrent(r#"{"3":[0,1],"2":[0]}"#));
    server.submit(&body.with("request_timeout", 20)).await;
    branches.wait_for("/a2", 1).await;
    branches.wait_for("/a3", 1).await;
    assert_eq!(branches.count("/a4"), 0, "its second predecessor has not answered");
    gate.open();
    assert_eq!(server.end_of("g").await.rows(), "p s p s p s p s");
    assert_eq!(branches.paths().last().unwrap(), "/a4");
}

#[tokio::test]
async fn what_was_never_started_is_neither_called_nor_undone() {
    // behaviour 65
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::failure()]);
    let body = saga("g", &branches, 2).with("custom_data", concurrent(r#"{"1":[0]}"#));
    server.submit(&body).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s f p p"));
    assert_eq!(branches.paths(), ["/a1", "/c1"]);
}

#[tokio::test]
async fn what_runs_beside_a_failure_may_end_and_is_undone() {
    // behaviour 65, invariant I5
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::failure()]);
    branches.on("/a2", [Reply::ok().behind(&gate)]);
    let body = saga("g", &branches, 2).with("custom_data", concurrent("{}")).with("request_timeout", 20);
    server.submit(&body).await;
    branches.wait_for("/a2", 1).await;
    server.until("g", |view| view.status() == "aborting").await;
    assert_eq!((branches.count("/c1"), branches.count("/c2")), (0, 0), "not while an action is out");
    gate.open();
    assert_eq!(server.end_of("g").await.rows(), "s f s s");
}

#[tokio::test]
async fn compensations_go_against_the_orders() {
    // behaviour 66
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    let body = saga("g", &branches, 2).with("custom_data", concurrent(r#"{"1":[0]}"#));
    server.submit(&body).await;
    assert_eq!(server.end_of("g").await.rows(), "s s s f");
    assert_eq!(branches.paths(), ["/a1", "/a2", "/c2", "/c1"]);
}

#[tokio::test]
async fn several_failing_branches_double_the_interval_once() {
    // defect M1, decision 6
    let (server, branches) = both().await;
    for step in ["/a1", "/a2", "/a3"] {
        branches.on(step, [Reply::error()]);
    }
    let body = saga("g", &branches, 3).with("custom_data", concurrent("{}")).with("wait_result", true);
    assert_eq!(server.post("submit", &body.with("retry_interval", 20)).await.status, 409);
    assert_eq!(server.query("g").await.number("next_cron_interval"), 40);
}

#[tokio::test]
async fn concurrent_beside_custom_data_means_nothing_to_a_saga() {
    // behaviour 67
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::ongoing()]);
    let body = saga("g", &branches, 2).with("concurrent", true).with("wait_result", true);
    assert_eq!(server.post("submit", &body.with("retry_interval", 100)).await.status, 409);
    assert_eq!(branches.paths(), ["/a1"], "one after the other");
}

#[tokio::test]
async fn a_wide_saga_has_a_bounded_number_of_calls_out() {
    let (server, branches) = both().await;
    let steps: Vec<_> = (0..1_000)
        .map(|_| json!({"action": branches.url("/a1"), "compensate": branches.url("/c1")}))
        .collect();
    let payloads = vec!["{}"; steps.len()];
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    let body = saga("g", &branches, 1).with("steps", steps).with("payloads", payloads);
    server.submit(&body.with("custom_data", concurrent("{}")).with("request_timeout", 25)).await;
    branches.wait_for("/a1", 128).await;
    assert_eq!(server.query("g").await.status(), "submitted");
    let out = branches.count("/a1");
    assert_eq!(out, 128, "as many as one transaction may have out");
    gate.open();
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.count("/a1"), 1_000);
}
