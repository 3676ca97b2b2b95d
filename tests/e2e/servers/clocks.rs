//! Servers whose clocks differ. The clock of a process is set by libfaketime (Debian: `bash tests/services/faketime.sh start`).

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Branches, Place, Reply, Server, Settings, With, message, saga};

/// A server with a right clock, and one whose clock is off by so many seconds.
async fn right_and_wrong(seconds: &str) -> Option<(Server, Server)> {
    let place = Arc::new(Place::shared()?);
    let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH);
    if !Path::new(&library).exists() {
        #[expect(
            clippy::disallowed_methods,
            reason = "an argument of the tests, not a setting of the server"
        )]
        let insists = std::env::var_os("CI").is_some();
        assert!(!insists, "libfaketime is missing; bash tests/services/faketime.sh start");
        let message = "SKIPPED (libfaketime is missing; bash tests/services/faketime.sh start)\n";
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        return None;
    }
    let right = Settings::default().start_at(&place).await;
    let wrong = Settings::default()
        .with("LD_PRELOAD", library)
        .with("FAKETIME", seconds)
        .with("FAKETIME_DONT_FAKE_MONOTONIC", 1)
        .start_at(&place)
        .await;
    Some((right, wrong))
}

/// What goes on between the two, whichever way the clock is wrong.
async fn does_no_harm(seconds: &str) {
    let Some((right, mut wrong)) = right_and_wrong(seconds).await else { return };
    let branches = Branches::start().await;

    // Nobody takes anything away from a living server: one call is out for longer than NodeTimeout.
    branches.on("/a1", [Reply::ok().after(Duration::from_secs(5))]);
    for (gid, server) in [("of right", &right), ("of wrong", &wrong)] {
        server.submit(&saga(gid, &branches, 1).with("request_timeout", 20)).await;
    }
    // A time-out is neither too early nor too late, with whichever server it began.
    let tcc = |gid: &str| json!({"gid": gid, "trans_type": "tcc", "timeout_to_fail": 7});
    let begun = Instant::now();
    right.accepts("prepare", &tcc("tcc of right")).await;
    wrong.accepts("prepare", &tcc("tcc of wrong")).await;
    let quick = Branches::start().await;
    wrong.accepts("prepare", &message("message", &quick, 1).with("timeout_to_fail", 7)).await;
    for gid in ["of right", "of wrong"] {
        assert_eq!(right.end_of(gid).await.status(), "succeed");
    }
    assert_eq!(branches.count("/a1"), 2, "each once");
    if begun.elapsed() < Duration::from_millis(6_500) {
        for gid in ["tcc of right", "tcc of wrong", "message"] {
            assert_eq!(wrong.query(gid).await.status(), "prepared", "{gid} is given up before its time");
        }
    }
    for gid in ["tcc of right", "tcc of wrong"] {
        assert_eq!(right.end_of(gid).await.status(), "failed");
        assert!(begun.elapsed() > Duration::from_millis(6_900), "{gid}: {:?}", begun.elapsed());
    }
    right.until("message", crate::harness::View::has_ended).await;
    assert!(begun.elapsed() < Duration::from_secs(14), "{:?}", begun.elapsed());

    // What the wrong one gives back when it stops is due at once for the other.
    quick.on("/a2", [Reply::ongoing(), Reply::ok()]);
    wrong.submit(&saga("released", &quick, 2)).await;
    quick.wait_for("/a2", 1).await;
    assert_eq!(wrong.stop().await.status.code(), Some(0));
    let stopped = Instant::now();
    assert_eq!(right.end_of("released").await.status(), "succeed");
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
}

#[tokio::test]
async fn a_server_whose_clock_is_a_minute_fast_does_no_harm() {
    does_no_harm("+60").await;
}

#[tokio::test]
async fn a_server_whose_clock_is_a_minute_slow_does_no_harm() {
    does_no_harm("-60").await;
}
