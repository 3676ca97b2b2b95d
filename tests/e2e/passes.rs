//! When a transaction is driven, and that nothing waits for something else (behaviour 103 to 108).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Branches, Reply, Server, With, both, saga};

#[tokio::test]
async fn the_rows_are_shown_as_soon_as_the_status_is() {
    // behaviour 106: although progress is deferred, the end is written as a whole
    let (server, branches) = both().await;
    let one = async |number: usize| {
        let gid = format!("g{number}");
        let body = saga(&gid, &branches, 3).with("wait_result", true);
        assert_eq!(server.post("submit", &body).await.status, 200);
        let view = server.query(&gid).await;
        assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s p s"), "{gid}");
    };
    join_all((0..50).map(one)).await;
}

/// Sagas whose first branch never answered when the server was killed.
async fn interrupted(server: &mut Server, branches: &Branches, count: usize) {
    branches.on("/a1", [Reply::Hang]);
    let body = |number| saga(&format!("g{number}"), branches, 1).with("retry_interval", 1_000);
    let bodies: Vec<_> = (0..count).map(|number| body(number).with("request_timeout", 1_000)).collect();
    join_all(bodies.iter().map(|body| server.submit(body))).await;
    branches.wait_for("/a1", count).await;
    server.kill().await;
    branches.drained().await;
}

#[tokio::test]
async fn what_is_stuck_is_called_once_a_pass_and_holds_nothing_else_up() {
    // behaviour 81, 103, 108, defect M4
    let (mut server, branches) = both().await;
    interrupted(&mut server, &branches, 30).await;
    server.restart().await;
    branches.wait_for("/a1", 60).await;
    let begun = Instant::now();
    let body = saga("good", &branches, 1).with("wait_result", true);
    let body = body.with("steps", json!([{"action": branches.url("/good"), "compensate": ""}]));
    assert_eq!(server.post("submit", &body).await.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(server.query("g0").await.status(), "submitted");
    assert_eq!(branches.count("/a1"), 60, "each once before the kill and once after it");
}
