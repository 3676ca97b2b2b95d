//! `/query` and `/all`: what clients and the admin pages read (behaviour 27 to 31).

use serde_json::{Value, json};

use crate::harness::{Reply, Server, With, both, message, saga};

#[tokio::test]
async fn what_is_not_there_has_no_transaction_and_no_branches() {
    // behaviour 27
    let server = Server::start().await;
    let answer = server.get("/api/dtmsvr/query?gid=nobody").await;
    assert_eq!(answer.parts(), (200, r#"{"branches":[],"transaction":null}"#));
    for path in ["/api/dtmsvr/query", "/api/dtmsvr/query?gid=", "/api/dtmsvr/query?other=x"] {
        assert_eq!(server.get(path).await.parts(), (500, r#"{"message":"no gid specified"}"#), "{path}");
    }
}

#[tokio::test]
async fn a_transaction_is_shown_with_dtms_fields_and_without_empty_ones() {
    // behaviour 28, sdk-wire 6: C# breaks on a finish_time that is null, and on large ids
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::error()]);
    let body = saga("g", &branches, 1).with("retry_interval", 70).with("branch_headers", json!({"x-a": "b"}));
    server.submit(&body).await;
    let view = server.until("g", |view| view.number("next_cron_interval") == 140).await;
    let transaction = view.0["transaction"].as_object().unwrap();
    for name in ["id", "create_time", "update_time", "gid", "trans_type", "status", "protocol", "options"] {
        assert!(transaction.contains_key(name), "{name}: {view:?}");
    }
    for name in ["finish_time", "rollback_time", "result", "rollback_reason", "query_prepared", "custom_data"]
    {
        assert!(!transaction.contains_key(name), "{name}: {view:?}");
    }
    assert!(transaction.values().all(|value| !value.is_null()), "{view:?}");
    assert_eq!(view.number("id"), 0);
    assert_eq!((view.field("protocol"), view.field("trans_type")), ("http", "saga"));
    let options: Value = serde_json::from_str(view.field("options")).expect("a JSON text");
    assert_eq!(options["retry_interval"], 70);
    assert_eq!(options["branch_headers"]["x-a"], "b");
    assert_eq!(options["concurrent"], false);
    assert!(view.millis("next_cron_time") >= view.millis("create_time") + 140_000);

    let branch = view.branches()[1].as_object().unwrap();
    for name in ["id", "create_time", "update_time", "gid", "url", "bin_data", "branch_id", "op", "status"] {
        assert!(branch.contains_key(name), "{name}: {view:?}");
    }
    assert!(!branch.contains_key("finish_time") && !branch.contains_key("rollback_time"), "{view:?}");
}

#[tokio::test]
async fn the_end_has_a_time_of_its_own_for_each_outcome() {
    // behaviour 57, 58, 104
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    server.submit(&saga("done", &branches, 1)).await;
    server.submit(&saga("undone", &branches, 2)).await;
    let done = server.end_of("done").await;
    assert!(done.millis("finish_time") >= done.millis("create_time"), "{done:?}");
    assert_eq!((done.field("rollback_time"), done.reason()), ("", ""));
    let undone = server.end_of("undone").await;
    assert!(undone.millis("rollback_time") >= undone.millis("create_time"), "{undone:?}");
    assert_eq!(undone.field("finish_time"), "");
    let row = &done.branches()[1];
    assert_eq!((&row["status"], row["finish_time"].is_string()), (&json!("succeed"), true));
}

#[tokio::test]
async fn all_shows_each_transaction_once_page_by_page() {
    // behaviour 31, defects M8, R15
    let (server, branches) = both().await;
    for number in 0..25 {
        server.submit(&saga(&format!("g{number}"), &branches, 1)).await;
    }
    let mut seen = Vec::new();
    let mut position = String::new();
    for page in 0.. {
        let answer = server.get(&format!("/api/dtmsvr/all?limit=10&position={position}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let rows = body["transactions"].as_array().unwrap();
        seen.extend(rows.iter().map(|row| row["gid"].as_str().unwrap().to_owned()));
        position = body["next_position"].as_str().expect("next_position is text").to_owned();
        assert_eq!(rows.len() < 10, position.is_empty(), "a short page is the last one");
        // One more arrives while we read: it is newer than what we have seen.
        server.submit(&saga(&format!("late{page}"), &branches, 1)).await;
        if position.is_empty() {
            break;
        }
    }
    seen.retain(|gid| !gid.starts_with("late"));
    let mut expected: Vec<_> = (0..25).map(|number| format!("g{number}")).collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn all_filters_by_gid_status_type_and_time() {
    // behaviour 30, 31
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    server.submit(&saga("done", &branches, 1)).await;
    server.submit(&saga("undone", &branches, 2)).await;
    server.accepts("prepare", &message("asked", &branches, 1)).await;
    server.end_of("done").await;
    server.end_of("undone").await;

    let gids = async |query: &str| {
        let answer = server.get(&format!("/api/dtmsvr/all?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        let body = answer.json();
        let rows = body["transactions"].as_array().unwrap().clone();
        let mut gids: Vec<_> = rows.iter().map(|row| row["gid"].as_str().unwrap().to_owned()).collect();
        gids.sort();
        gids.join(" ")
    };
    assert_eq!(gids("").await, "asked done undone");
    assert_eq!(gids("gid=done").await, "done");
    assert_eq!(gids("gid=done&status=failed&limit=5").await, "done", "a gid is a gid");
    assert_eq!(gids("status=succeed").await, "done");
    assert_eq!(gids("status=failed").await, "undone");
    assert_eq!(gids("status=prepared&transType=msg").await, "asked");
    assert_eq!(gids("transType=saga").await, "done undone");
    assert_eq!(gids("transType=tcc").await, "");
    assert_eq!(gids("createTimeStart=1").await, "asked done undone");
    assert_eq!(gids("createTimeEnd=1").await, "");
    assert_eq!(gids("createTimeStart=4000000000000").await, "");
    for bad in ["limit=x", "limit=-1", "status=nonsense", "transType=nonsense", "createTimeStart=today"] {
        let answer = server.get(&format!("/api/dtmsvr/all?{bad}")).await;
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
    }
    let answer = server.get("/api/dtmsvr/all?position=nonsense").await;
    let expected = r#"{"message":"position: it is not one of this store: begin the listing anew"}"#;
    assert_eq!(answer.parts(), (400, expected));
}
