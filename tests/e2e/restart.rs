//! Stopping, dying, starting again.

use std::time::Instant;

use serde_json::json;

use crate::harness::{Branches, Connection, Gate, Reply, Server, Settings, With, both, message, saga};

#[tokio::test]
async fn sigterm_lets_a_call_that_is_out_end_stores_it_and_exits_with_0() {
    // decision 28, defects S12, M16
    let (mut server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    let body = saga("g", &branches, 2).with("wait_result", true).with("request_timeout", 20);
    let client = server.client().clone();
    let waiting = tokio::spawn(async move { client.try_post("submit", &body).await });
    branches.wait_for("/a1", 1).await;
    server.terminate().await;
    let answer = waiting.await.unwrap().expect("an answer, no broken connection");
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(answer.message().contains("ask again"), "{answer:?}");
    // That answer came from whoever drives the transaction: from now on it calls nothing new.
    gate.open();
    let ended = server.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    assert_eq!(branches.paths(), ["/a1"]);
    server.restart().await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.paths(), ["/a1", "/a2"], "what has ended is not repeated");
}

#[tokio::test]
async fn sigterm_does_not_wait_longer_than_the_drain_time() {
    // decision 28
    let server = Settings::default().with("DRAIN_TIMEOUT", 1).start().await;
    let branches = Branches::start().await;
    branches.on("/a1", [Reply::Hang, Reply::ok()]);
    server.submit(&saga("g", &branches, 1).with("request_timeout", 100)).await;
    branches.wait_for("/a1", 1).await;
    let mut server = server;
    let begun = Instant::now();
    let ended = server.stop().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    assert!(begun.elapsed().as_secs_f64() < 8.0, "{:?}", begun.elapsed());
    server.restart().await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.paths(), ["/a1", "/a1"]);
}

#[tokio::test]
async fn sigterm_of_an_idle_server_is_quick_also_with_sleeping_transactions_and_open_connections() {
    // decision 28
    let (mut server, branches) = both().await;
    branches.on("/a1", [Reply::error()]);
    for number in 0..20 {
        let gid = format!("g{number}");
        server.submit(&saga(&gid, &branches, 1).with("retry_interval", 30)).await;
        server.until(&gid, |view| view.number("next_cron_interval") == 60).await;
    }
    server.accepts("prepare", &message("m", &branches, 1)).await;
    let begun = Instant::now();
    let ended = server.stop().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    assert!(begun.elapsed().as_secs_f64() < 3.0, "{:?}\n{}", begun.elapsed(), ended.log);
    server.restart().await;
    for number in 0..20 {
        let view = server.query(&format!("g{number}")).await;
        assert_eq!((view.status(), view.number("next_cron_interval")), ("submitted", 60));
    }
    assert_eq!(branches.calls().len(), 20, "nothing is tried before its time");
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_saga_is_made_up_for() {
    let (mut server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a2", [Reply::Hang, Reply::ok().behind(&gate)]);
    server.submit(&saga("g", &branches, 3).with("request_timeout", 20)).await;
    branches.wait_for("/a2", 1).await;
    server.kill().await;
    server.restart().await;
    branches.wait_for("/a2", 2).await;
    assert_eq!(server.query("g").await.status(), "submitted");
    gate.open();
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s p s"));
    assert_eq!(branches.count("/a3"), 1);
    assert!(branches.count("/a1") <= 2, "at least once, and not again and again");
}

#[tokio::test]
async fn a_kill_during_a_roll_back_is_made_up_for() {
    let (mut server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    branches.on("/c2", [Reply::Hang, Reply::ok()]);
    server.submit(&saga("g", &branches, 2).with("request_timeout", 20)).await;
    branches.wait_for("/c2", 1).await;
    server.kill().await;
    server.restart().await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s f"));
    assert_eq!(branches.paths(), ["/a1", "/a2", "/c2", "/c2", "/c1"], "the refusal is never forgotten");
}

#[tokio::test]
async fn after_a_kill_every_action_that_may_have_run_is_undone() {
    // architecture 3, "deferred progress": between creation and the first later write, any action may have run
    let (mut server, branches) = both().await;
    branches.on("/a2", [Reply::Hang]);
    server.submit(&saga("g", &branches, 3).with("request_timeout", 20)).await;
    branches.wait_for("/a2", 1).await;
    server.kill().await;
    branches.on("/a1", [Reply::failure()]);
    branches.on("/a2", [Reply::failure()]);
    server.restart().await;
    assert_eq!(server.end_of("g").await.status(), "failed");
    let paths = branches.paths();
    let at = |path: &str| paths.iter().position(|called| called == path).expect("it was undone");
    assert!(at("/c2") < at("/c1"), "{paths:?}");
}

#[tokio::test]
async fn everything_that_was_acknowledged_is_there_after_a_kill() {
    // invariant I1
    let (mut server, branches) = both().await;
    branches.on("/a1", [Reply::error()]);
    let tcc = json!({"gid": "t", "trans_type": "tcc", "timeout_to_fail": 1_000});
    server.accepts("prepare", &tcc).await;
    let register = json!({
        "gid": "t", "trans_type": "tcc", "branch_id": "01", "data": "{}",
        "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"),
    });
    server.accepts("registerBranch", &register).await;
    server.accepts("prepare", &message("m", &branches, 1)).await;
    server.submit(&saga("s", &branches, 1).with("retry_interval", 100)).await;
    let waiting = server.until("s", |view| view.number("next_cron_interval") == 200).await;
    server.submit(&saga("done", &branches, 0)).await;
    let done = server.end_of("done").await;
    server.kill().await;
    server.restart().await;

    assert_eq!(server.query("t").await.rows(), "p p");
    assert_eq!(server.query("m").await.status(), "prepared");
    let after = server.query("s").await;
    assert_eq!(after.number("next_cron_interval"), 200);
    assert!(after.millis("next_cron_time") >= waiting.millis("next_cron_time"), "{after:?}");
    assert_eq!(server.query("done").await.0, done.0);
    server.accepts("submit", &tcc).await;
    assert_eq!(server.end_of("t").await.rows(), "p s");
}

#[tokio::test]
async fn after_a_kill_everything_that_was_open_is_taken_up_at_once_and_not_one_by_one() {
    // defects B21, S13
    const OPEN: usize = 50;
    let (mut server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    for number in 0..OPEN {
        server.submit(&saga(&format!("g{number}"), &branches, 1).with("request_timeout", 60)).await;
    }
    branches.wait_for("/a1", OPEN).await;
    server.kill().await;
    server.restart().await;
    // No call is answered before the last one has arrived.
    branches.wait_for("/a1", 2 * OPEN).await;
    gate.open();
    for number in 0..OPEN {
        assert_eq!(server.end_of(&format!("g{number}")).await.status(), "succeed");
    }
}

#[tokio::test]
async fn a_pass_goes_on_when_its_client_has_gone_away() {
    // behaviour 105
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    let body = saga("g", &branches, 2).with("wait_result", true).with("request_timeout", 60).to_string();
    let mut client = Connection::to(server.port()).await;
    let head = "POST /api/dtmsvr/submit HTTP/1.1\r\nhost: localhost\r\ncontent-length";
    assert!(client.send(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).await);
    branches.wait_for("/a1", 1).await;
    drop(client);
    gate.open();
    assert_eq!(server.end_of("g").await.rows(), "p s p s");
    assert_eq!(branches.paths(), ["/a1", "/a2"]);
}

#[tokio::test]
async fn a_port_that_is_taken_stops_the_start_and_says_what_to_do() {
    // defect M16
    let server = Server::start().await;
    let second = server.second_on_same_port().await;
    assert!(!second.status.success() && second.status.code().is_some(), "{second:?}");
    for words in [format!("127.0.0.1:{}", server.port()).as_str(), "--http-port"] {
        assert!(second.log.contains(words), "{words} is not in:\n{}", second.log);
    }
    assert!(!second.log.contains("panicked"), "{}", second.log);
}
