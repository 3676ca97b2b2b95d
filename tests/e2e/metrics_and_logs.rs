//! What operators see: bounded metrics, and logs without anybody's data.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Branches, Place, Reply, Server, Settings, With, both, message, saga};

/// The names and labels of all series.
async fn series(server: &Server) -> BTreeSet<String> {
    let text = server.get("/api/metrics").await.body;
    let named = |line: &str| line.rsplit_once(' ').map(|(name, _)| name.to_owned());
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).filter_map(named).collect()
}

/// One transaction of each kind and fate, and requests that are refused.
async fn round(server: &Server, branches: &Branches, round: usize) {
    let gid = |name: &str| format!("{name}-{round}");
    let undone = json!([{"action": branches.url("/fails"), "compensate": branches.url("/c")}]);
    let tcc = json!({"gid": gid("tcc"), "trans_type": "tcc"});
    server.submit(&saga(&gid("saga"), branches, 2)).await;
    server.submit(&saga(&gid("undone"), branches, 1).with("steps", undone)).await;
    server.submit(&message(&gid("msg"), branches, 1)).await;
    server.accepts("prepare", &tcc).await;
    let register = json!({
        "gid": gid("tcc"), "trans_type": "tcc", "branch_id": format!("b{round}"),
        "confirm": branches.url(&format!("/confirm/{round}")), "cancel": "",
    });
    server.accepts("registerBranch", &register).await;
    server.accepts("submit", &tcc).await;
    for name in ["saga", "undone", "msg", "tcc"] {
        server.end_of(&gid(name)).await;
    }
    server.get(&format!("/api/dtmsvr/all?gid={}&unknown={round}", gid("saga"))).await;
    server.get(&format!("/api/dtmsvr/query?gid={}&x={round}", gid("nobody"))).await;
    server.get(&format!("/api/dtmsvr/nothing{round}")).await;
    server.post("submit", &json!({"gid": gid("bad"), "trans_type": format!("mode{round}")})).await;
    server.post("forceStop", &json!({"gid": gid("nobody")})).await;
}

#[tokio::test]
async fn the_number_of_series_does_not_grow_with_transactions_gids_or_urls() {
    // defects R11, S11, M18, decision 23
    let (server, branches) = both().await;
    branches.on("/fails", [Reply::failure()]);
    for number in 0..3 {
        round(&server, &branches, number).await;
    }
    let before = series(&server).await;
    for batch in 0..10 {
        let (server, branches) = (&server, &branches);
        join_all((0..25).map(|number| round(server, branches, 10 + batch * 25 + number))).await;
    }
    // 1,000 transactions later
    let after = series(&server).await;
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
    let text = server.get("/api/metrics").await.body;
    for needle in ["saga-", "gid", "127.0.0.1", "/a1", "unknown="] {
        assert!(!text.contains(needle), "{needle} in:\n{text}");
    }
    assert!(text.contains("dtm_transaction"), "DTM's names:\n{text}");
}

#[tokio::test]
async fn no_payload_and_no_secret_is_ever_in_the_log() {
    // defects S14, R19, decision 24
    let branches = Branches::start().await;
    let server = Settings::default()
        .with("LOG_LEVEL", "debug")
        .with("ALERT_WEB_HOOK", branches.url("/hook?access_token=hush-hook"))
        .start_at(&Place::with_password("hush-store"))
        .await;
    let steps = json!([
        {"action": branches.url("/a1"), "compensate": ""},
        {"action": branches.url("/a2").replace("http://", "http://user:hush-user@"), "compensate": ""},
    ]);
    branches.on("/a2", [Reply::of(500, "hush-answer"), Reply::Close, Reply::of(409, "hush-reason")]);
    let body = saga("g", &branches, 2)
        .with("steps", steps)
        .with("payloads", json!(["hush-payload-1", "hush-payload-2"]))
        .with("branch_headers", json!({"authorization": "Bearer hush-header"}));
    server.submit(&body).await;
    server.post_text("submit", r#"{"gid":"h","trans_type":"saga","payloads":["hush-broken"#).await;
    server.post("submit", &body.clone().with("payloads", json!(["hush-other", ""]))).await;
    assert_eq!(server.end_of("g").await.status(), "failed");
    branches.on("/a1", [Reply::error()]);
    server
        .submit(
            &saga("alerted", &branches, 1).with("retry_interval", 100).with("payloads", json!(["hush-3"])),
        )
        .await;
    for call in 2..=4 {
        branches.wait_for("/a1", call).await;
        server
            .until("alerted", |view| view.millis("next_cron_time") - view.millis("update_time") > 50_000)
            .await;
        server.accepts("resetNextCronTime", &json!({"gid": "alerted"})).await;
    }
    branches.wait_for("/hook", 1).await;
    let mut server = server;
    let ended = server.stop().await;
    assert!(ended.log.len() > 100, "the log works: {}", ended.log);
    let found: Vec<_> = ended.log.lines().filter(|line| line.contains("hush")).collect();
    assert!(found.is_empty(), "{found:#?}");
}
