//! A server that stands still for longer than the others wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::two;
use crate::harness::{Branches, Gate, PATIENCE, Reply, Server, Settings, With, saga};

const COUNT: usize = 60;
const PAUSE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stood_still_for_ten_seconds_calls_and_changes_nothing_that_others_have_taken_over() {
    // invariants I2, I11
    let Some((first, second)) = two(Settings::default()).await else { return };
    let (gate, well) = (Gate::closed(), Arc::new(AtomicBool::new(false)));
    let branches = {
        let (gate, well) = (gate.clone(), Arc::clone(&well));
        Branches::deciding(move |call| match call.gid().bytes().last().unwrap_or_default() % 3 {
            _ if well.load(Ordering::SeqCst) => Reply::ok(),
            0 => Reply::ok().behind(&gate), // an answer that finds a server which owns nothing any more
            1 => Reply::ongoing(),          // a timer that does
            _ => Reply::error(),
        })
        .await
    };
    let gids: Vec<String> = (0..COUNT).map(|number| format!("g{number}")).collect();
    for gid in &gids {
        first.submit(&saga(gid, &branches, 2).with("request_timeout", 60)).await;
    }
    branches.wait_until("a call of each", |it| gids.iter().all(|gid| called(it, gid))).await;

    let paused = Instant::now();
    first.pause().await;
    well.store(true, Ordering::SeqCst);
    let views = join_all(gids.iter().map(|gid| second.end_of(gid))).await;
    assert!(views.iter().all(|view| view.status() == "succeed"));
    tokio::time::sleep(PAUSE.saturating_sub(paused.elapsed())).await;
    let calls = branches.calls().len();
    gate.open();
    first.go_on().await;

    // It lives on, and comes to know that it has lost them all.
    first.submit(&saga("later", &branches, 2)).await;
    assert_eq!(first.end_of("later").await.status(), "succeed");
    drives_nothing(&first).await;
    let later: Vec<_> = branches.calls().drain(calls..).map(|call| (call.gid(), call.path)).collect();
    assert!(
        later.iter().all(|(gid, _)| gid == "later"),
        "called by a server that owns it no more: {later:?}"
    );
    for (gid, before) in gids.iter().zip(&views) {
        assert_eq!(first.query(gid).await.0, before.0);
    }
    // "later" may have been taken from the server that has just woken up, and then its calls are repeated.
    let of_later = |gid: &str| gid == "later";
    let calls = branches.calls_of("/a2");
    assert_eq!(calls.iter().filter(|call| !of_later(&call.gid())).count(), COUNT);
    assert!(calls.iter().any(|call| of_later(&call.gid())));
}

fn called(branches: &Branches, gid: &str) -> bool {
    branches.calls().iter().any(|call| call.gid() == gid)
}

/// Waits until the server drives nothing.
async fn drives_nothing(server: &Server) {
    let begun = Instant::now();
    loop {
        let metrics = server.get("/api/metrics").await.body;
        let active = metrics.lines().find_map(|line| line.strip_prefix("dtm_active_transactions "));
        if active.expect("there is such a metric") == "0" {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "it still drives {active:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
