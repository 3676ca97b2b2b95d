//! Requests to another server than the one that drives the transaction.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::two;
use crate::harness::{Branches, Gate, Reply, SUCCESS, Server, Settings, With, message, saga};

async fn servers() -> Option<(Server, Server, Branches)> {
    let (first, second) = two(Settings::default()).await?;
    Some((first, second, Branches::start().await))
}

fn tcc(gid: &str) -> Value {
    json!({"gid": gid, "trans_type": "tcc", "retry_interval": 1})
}

fn branch(gid: &str, id: &str, branches: &Branches) -> Value {
    json!({
        "gid": gid, "trans_type": "tcc", "branch_id": id, "data": "{}",
        "confirm": branches.url(&format!("/confirm{id}")), "cancel": branches.url(&format!("/cancel{id}")),
    })
}

#[tokio::test]
async fn a_tcc_may_be_prepared_registered_and_submitted_with_a_different_server_each_time() {
    let Some((first, second, branches)) = servers().await else { return };
    first.accepts("prepare", &tcc("g")).await;
    second.accepts("registerBranch", &branch("g", "01", &branches)).await;
    first.accepts("registerBranch", &branch("g", "02", &branches)).await;
    second.accepts("registerBranch", &branch("g", "03", &branches)).await;
    // The first still has the copy of its own prepare, which knows nothing of the branches.
    first.accepts("submit", &tcc("g")).await;
    let view = second.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s p s"));
    assert_eq!(branches.paths(), ["/confirm03", "/confirm02", "/confirm01"]);
}

#[tokio::test]
async fn an_abort_at_another_server_works_at_once() {
    let Some((first, second, branches)) = servers().await else { return };
    first.accepts("prepare", &tcc("g")).await;
    first.accepts("registerBranch", &branch("g", "01", &branches)).await;
    second.accepts("abort", &tcc("g").with("wait_result", true)).await;
    assert_eq!(first.query("g").await.status(), "failed");
    assert_eq!(branches.paths(), ["/cancel01"]);
    let late = first.post("submit", &tcc("g")).await;
    assert_eq!(late.status, 409, "{late:?}");
    assert_eq!(branches.paths(), ["/cancel01"]);
}

#[tokio::test]
async fn an_abort_is_repeated_at_another_server_while_the_first_one_is_cancelling() {
    let Some((first, second, branches)) = servers().await else { return };
    first.accepts("prepare", &tcc("g")).await;
    first.accepts("registerBranch", &branch("g", "01", &branches)).await;
    branches.on("/cancel01", [Reply::error(), Reply::ok()]);
    first.accepts("abort", &tcc("g").with("retry_interval", 100)).await;
    branches.wait_for("/cancel01", 1).await;
    second.accepts("abort", &tcc("g")).await;
    assert_eq!(second.end_of("g").await.status(), "failed");
    assert_eq!(branches.paths(), ["/cancel01", "/cancel01"]);
}

#[tokio::test]
async fn after_a_forced_stop_at_another_server_nothing_is_called_whatever_the_first_was_waiting_for() {
    // behaviour 19
    let Some((first, second, branches)) = servers().await else { return };
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    first.submit(&saga("answer", &branches, 2).with("request_timeout", 20)).await;
    branches.wait_for("/a1", 1).await;
    let broken = Branches::start().await;
    broken.on("/a1", [Reply::error()]);
    first.submit(&saga("timer", &broken, 2)).await;
    broken.wait_for("/a1", 1).await;
    for gid in ["answer", "timer"] {
        second.accepts("forceStop", &json!({"gid": gid})).await;
        assert_eq!(first.query(gid).await.status(), "failed");
    }
    // For 100 ms after its last write the first one may believe that it still is its own.
    tokio::time::sleep(Duration::from_millis(150)).await;
    gate.open();
    let calls = broken.count("/a1");
    // What comes later than the timer of the one and the answer of the other shows that both are dealt with.
    broken.on("/later", [Reply::error(), Reply::error(), Reply::ok()]);
    let later = json!([{"action": broken.url("/later"), "compensate": broken.url("/undo")}]);
    first.submit(&saga("later", &broken, 1).with("steps", later)).await;
    assert_eq!(first.end_of("later").await.status(), "succeed");
    assert_eq!((broken.count("/a1"), broken.count("/a2")), (calls, 0));
    assert_eq!(branches.paths(), ["/a1"]);
    for gid in ["answer", "timer"] {
        assert_eq!(first.query(gid).await.status(), "failed");
    }
}

#[tokio::test]
async fn a_transaction_that_another_server_sleeps_on_is_tried_at_once_when_that_is_asked_for() {
    let Some((first, second, branches)) = servers().await else { return };
    branches.on("/a1", [Reply::error(), Reply::ok()]);
    first.submit(&saga("g", &branches, 1).with("retry_interval", 50)).await;
    first.until("g", |view| view.number("next_cron_interval") == 100).await;
    let begun = Instant::now();
    second.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    assert_eq!(first.end_of("g").await.status(), "succeed");
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    assert_eq!(branches.paths(), ["/a1", "/a1"]);
}

#[tokio::test]
async fn whoever_submits_at_another_server_and_waits_is_told_the_result() {
    let Some((first, second, branches)) = servers().await else { return };
    let body = message("g", &branches, 2).with("wait_result", true);
    first.accepts("prepare", &body).await;
    second.accepts("submit", &body).await;
    assert_eq!(first.query("g").await.status(), "succeed");
    assert_eq!(branches.paths(), ["/a1", "/a2"]);
}

#[tokio::test]
async fn a_submit_that_is_repeated_at_another_server_is_taken_over_and_both_that_wait_are_told_the_result() {
    let Some((first, second, branches)) = servers().await else { return };
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    let body = saga("g", &branches, 2).with("wait_result", true).with("request_timeout", 20);
    let submit = |server: &Server| {
        let (client, body) = (server.client().clone(), body.clone());
        tokio::spawn(async move { client.post("submit", &body).await })
    };
    let original = submit(&first);
    branches.wait_for("/a1", 1).await;
    let repeated = submit(&second);
    branches.wait_for("/a1", 2).await;
    // For 100 ms after its last write the first one may believe that it still is its own.
    tokio::time::sleep(Duration::from_millis(150)).await;
    gate.open();
    for waiting in [original, repeated] {
        assert_eq!(waiting.await.unwrap().parts(), (200, SUCCESS));
    }
    assert_eq!(branches.paths(), ["/a1", "/a1", "/a2"], "the first one goes no further");
}
