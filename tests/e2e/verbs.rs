//! Requests that change a transaction, one after the other (behaviour B).

use serde_json::json;

use crate::harness::{Branches, Gate, Reply, SUCCESS, Server, Settings, With, both, message, saga};

/// A server whose intervals may grow to a day.
async fn patient() -> (Server, Branches) {
    (Settings::default().with("RETRY_INTERVAL_MAX", 86_400).start().await, Branches::start().await)
}

#[tokio::test]
async fn prepare_is_repeatable_while_prepared_and_refused_afterwards() {
    // behaviour 12
    let server = Server::start().await;
    let body = json!({"gid": "g", "trans_type": "tcc"});
    server.accepts("prepare", &body).await;
    let first = server.query("g").await;
    server.accepts("prepare", &body).await;
    assert_eq!(server.query("g").await.0, first.0, "nothing has changed");

    server.accepts("submit", &body).await;
    server.end_of("g").await;
    let refused = server.post("prepare", &body).await;
    let expected =
        r#"{"dtm_result":"FAILURE","message":"current status 'succeed', cannot prepare. FAILURE"}"#;
    assert_eq!(refused.parts(), (409, expected));
}

#[tokio::test]
async fn a_saga_is_submitted_and_not_prepared() {
    // behaviour 12, decision 14
    let (server, branches) = both().await;
    let refused = server.post("prepare", &saga("g", &branches, 1)).await;
    assert_eq!(refused.parts(), (400, r#"{"message":"a saga is not prepared: submit it"}"#));
    assert!(!server.query("g").await.exists());
}

#[tokio::test]
async fn a_field_that_has_no_meaning_in_a_mode_changes_nothing() {
    // behaviour 6, 67, defect M20
    let (server, branches) = both().await;
    let step = json!([{"action": branches.url("/never"), "compensate": branches.url("/never")}]);
    let idle = |gid: &str, trans_type: &str| {
        let extra = json!({"status": "failed", "rollback_reason": "no", "result": ""});
        json!({
            "gid": gid, "trans_type": trans_type, "steps": step, "payloads": ["1"], "concurrent": true,
            "retry_limit": 3, "req_extra": extra, "rollback_reason": "no", "query_prepared": branches.url("/never"),
        })
    };
    for trans_type in ["tcc", "xa"] {
        server.accepts("prepare", &idle(trans_type, trans_type)).await;
        server.accepts("submit", &idle(trans_type, trans_type)).await;
        let view = server.end_of(trans_type).await;
        assert_eq!((view.status(), view.rows().as_str(), view.reason()), ("succeed", "", ""));
    }
    let workflow = idle("w", "workflow").with("wait_result", true);
    assert_eq!(server.post("prepareWorkflow", &workflow).await.status, 200);
    server.accepts("submit", &workflow).await;
    assert_eq!((server.query("w").await.status(), server.query("w").await.reason()), ("failed", "no"));
    let saga =
        saga("s", &branches, 2).with("concurrent", true).with("query_prepared", branches.url("/never"));
    branches.on("/a1", [Reply::failure()]);
    server.submit(&saga).await;
    assert_eq!(server.end_of("s").await.rows(), "s f p p", "one after the other");
    assert_eq!(branches.calls_of("/never").len(), 0);
}

#[tokio::test]
async fn submit_after_the_end_is_refused_in_the_spelling_of_dtm() {
    // behaviour 16
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    server.submit(&saga("done", &branches, 1)).await;
    server.submit(&saga("undone", &branches, 2)).await;
    assert_eq!(server.end_of("done").await.status(), "succeed");
    assert_eq!(server.end_of("undone").await.status(), "failed");
    for (gid, step_count, status) in [("done", 1, "succeed"), ("undone", 2, "failed")] {
        let refused = server.post("submit", &saga(gid, &branches, step_count)).await;
        let message = format!("current status '{status}', cannot sumbmit. FAILURE");
        let expected = json!({"dtm_result": "FAILURE", "message": message}).to_string();
        assert_eq!(refused.parts(), (409, expected.as_str()));
    }
}

#[tokio::test]
async fn submit_while_aborting_is_refused() {
    // behaviour 16
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::failure()]);
    branches.on("/c1", [Reply::ok().behind(&gate)]);
    server.submit(&saga("g", &branches, 1)).await;
    branches.wait_for("/c1", 1).await;
    let refused = server.post("submit", &saga("g", &branches, 1)).await;
    assert_eq!(refused.status, 409);
    assert_eq!(refused.message(), "current status 'aborting', cannot sumbmit. FAILURE");
    gate.open();
    assert_eq!(server.end_of("g").await.status(), "failed");
    assert_eq!(branches.paths(), ["/a1", "/c1"]);
}

#[tokio::test]
async fn submit_uses_the_branches_that_were_registered_and_the_options_of_its_own() {
    // behaviour 14
    let (server, branches) = both().await;
    let prepared = json!({"gid": "g", "trans_type": "tcc"});
    server.accepts("prepare", &prepared).await;
    let register = json!({
        "gid": "g", "trans_type": "tcc", "branch_id": "01", "data": "{}",
        "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"),
    });
    server.accepts("registerBranch", &register).await;
    branches.on("/confirm", [Reply::error(), Reply::ok()]);
    let headers = json!({"x-from": "submit"});
    let submit = prepared.with("branch_headers", headers).with("retry_interval", 1);
    server.accepts("submit", &submit).await;
    assert_eq!(server.end_of("g").await.rows(), "p s");
    let calls = branches.calls_of("/confirm");
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!(call.header("x-from"), "submit", "from the first call on");
    }
}

#[tokio::test]
async fn abort_is_for_prepared_ones_and_its_refusal_names_type_and_status() {
    // behaviour 17
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    server.submit(&saga("s", &branches, 1)).await;
    branches.wait_for("/a1", 1).await;
    let refused = server.post("abort", &saga("s", &branches, 1)).await;
    let expected = r#"{"dtm_result":"FAILURE","message":"trans type: 'saga' current status 'submitted', cannot abort. FAILURE"}"#;
    assert_eq!(refused.parts(), (409, expected));
    gate.open();
    assert_eq!(server.end_of("s").await.status(), "succeed");

    let tcc = json!({"gid": "t", "trans_type": "tcc", "rollback_reason": "the client says so"});
    server.accepts("prepare", &tcc).await;
    server.accepts("abort", &tcc).await;
    let view = server.end_of("t").await;
    assert_eq!((view.status(), view.reason()), ("failed", "the client says so"));
    let again = server.post("abort", &tcc).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.message(), "trans type: 'tcc' current status 'failed', cannot abort. FAILURE");
}

#[tokio::test]
async fn an_aborted_message_has_failed_and_nothing_was_called() {
    // behaviour 17, 89
    let (server, branches) = both().await;
    let body = message("m", &branches, 2);
    server.accepts("prepare", &body).await;
    server.accepts("abort", &body).await;
    assert_eq!(server.query("m").await.status(), "failed");
    assert!(branches.calls().is_empty(), "{:?}", branches.paths());
    assert_eq!(server.post("submit", &body).await.status, 409);
}

#[tokio::test]
async fn abort_looks_at_the_stored_type_and_not_at_the_one_in_the_request() {
    // defect M5, decision 16
    let (server, branches) = both().await;
    server.accepts("prepare", &message("m", &branches, 1)).await;
    for claimed in ["tcc", "xa", "saga", "workflow"] {
        let refused = server.post("abort", &json!({"gid": "m", "trans_type": claimed})).await;
        assert_eq!(refused.status, 409, "{claimed}: {refused:?}");
        assert_eq!(server.query("m").await.status(), "prepared", "{claimed}");
    }
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc"})).await;
    assert_eq!(server.post("abort", &json!({"gid": "t", "trans_type": "msg"})).await.status, 409);
    assert_eq!(server.query("t").await.status(), "prepared");
}

#[tokio::test]
async fn force_stop_ends_as_failed_without_undoing_and_only_once() {
    // behaviour 18
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::error()]);
    server.submit(&saga("g", &branches, 2).with("retry_interval", 100)).await;
    server.until("g", |view| view.number("next_cron_interval") == 200).await;
    server.accepts("forceStop", &json!({"gid": "g"})).await;
    let view = server.query("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "p s p p"));
    assert!(!view.field("rollback_time").is_empty());
    assert_eq!(branches.paths(), ["/a1", "/a2"]);
    let again = server.post("forceStop", &json!({"gid": "g"})).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.message(), "global transaction force stop error. status: failed. error: FAILURE");

    server.submit(&saga("h", &branches, 1)).await;
    server.end_of("h").await;
    let ended = server.post("forceStop", &json!({"gid": "h"})).await;
    assert_eq!(ended.message(), "global transaction force stop error. status: succeed. error: FAILURE");
}

#[tokio::test]
async fn reset_next_cron_time_tries_again_at_once_also_what_has_ended() {
    // behaviour 19, decision 10, defects B5, S8
    let (server, branches) = patient().await;
    branches.on("/a1", [Reply::error(), Reply::ok()]);
    server.submit(&saga("g", &branches, 1).with("retry_interval", 1_000)).await;
    let waiting = server.until("g", |view| view.number("next_cron_interval") == 2_000).await;
    assert!(waiting.millis("next_cron_time") - waiting.millis("create_time") >= 1_999_000, "{waiting:?}");
    server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    let ended = server.end_of("g").await;
    assert_eq!((ended.status(), branches.count("/a1")), ("succeed", 2));
    server.accepts("resetNextCronTime", &json!({"gid": "g"})).await;
    assert_eq!(server.query("g").await.0, ended.0, "the end is the end");
}

#[tokio::test]
async fn reset_cron_time_tries_again_what_is_far_away_up_to_a_limit() {
    // behaviour 32
    let (server, branches) = patient().await;
    for number in 0..3 {
        let path = format!("/far{number}");
        branches.on(&path, [Reply::error(), Reply::ok()]);
        let steps = json!([{"action": branches.url(&path), "compensate": ""}]);
        let gid = format!("far{number}");
        server.submit(&saga(&gid, &branches, 1).with("steps", steps).with("retry_interval", 5_000)).await;
        server.until(&gid, |view| view.number("next_cron_interval") == 10_000).await;
    }
    branches.on("/a1", [Reply::error()]);
    server.submit(&saga("near", &branches, 1).with("retry_interval", 50)).await;
    server.until("near", |view| view.number("next_cron_interval") == 100).await;

    let some = server.get("/api/dtmsvr/resetCronTime?timeout=300&limit=2").await;
    assert_eq!(some.parts(), (200, r#"{"has_remaining":true,"succeed_count":2}"#));
    let rest = server.get("/api/dtmsvr/resetCronTime?timeout=300&limit=2").await;
    assert_eq!(rest.parts(), (200, r#"{"has_remaining":false,"succeed_count":1}"#));
    for number in 0..3 {
        assert_eq!(server.end_of(&format!("far{number}")).await.status(), "succeed");
    }
    assert_eq!(branches.count("/a1"), 1, "what is near stays as it is");
    let none = server.get("/api/dtmsvr/resetCronTime").await;
    assert_eq!(none.parts(), (200, r#"{"has_remaining":false,"succeed_count":0}"#));
}

#[tokio::test]
async fn branches_are_registered_under_all_three_names_and_shown_in_order() {
    // behaviour 21, 29
    let (server, branches) = both().await;
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc"})).await;
    for (id, verb) in [("01", "registerBranch"), ("02", "registerTccBranch"), ("0201", "registerXaBranch")] {
        let body = json!({
            "gid": "t", "trans_type": "tcc", "branch_id": id, "data": "{\"a\":1}", "status": "prepared",
            "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"), "try": "x", "subType": "tcc",
        });
        server.accepts(verb, &body).await;
    }
    let view = server.query("t").await;
    let names = ["01 cancel", "01 confirm", "02 cancel", "02 confirm", "0201 cancel", "0201 confirm"];
    assert_eq!(view.row_names(), names);
    assert_eq!(view.branches()[0]["url"], branches.url("/cancel"));
    assert_eq!(view.branches()[1]["url"], branches.url("/confirm"));
    assert_eq!(view.branches()[1]["bin_data"], "eyJhIjoxfQ==");

    server.accepts("prepare", &json!({"gid": "x", "trans_type": "xa"})).await;
    let body = json!({"gid": "x", "trans_type": "xa", "branch_id": "01", "url": branches.url("/xa")});
    server.accepts("registerBranch", &body).await;
    let view = server.query("x").await;
    assert_eq!(view.row_names(), ["01 rollback", "01 commit"]);
    assert!(view.branches().iter().all(|row| row["url"] == branches.url("/xa")));
}

#[tokio::test]
async fn a_branch_of_a_transaction_that_is_not_prepared_is_refused() {
    // behaviour 22
    let server = Server::start().await;
    let register = |gid: &str| json!({"gid": gid, "trans_type": "tcc", "branch_id": "01"});
    let expected = |gid: &str| {
        let message = format!("no trans with gid: {gid} status: prepared found FAILURE");
        json!({"dtm_result": "FAILURE", "message": message}).to_string()
    };
    let unknown = server.post("registerBranch", &register("nobody")).await;
    assert_eq!(unknown.parts(), (409, expected("nobody").as_str()));
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc"})).await;
    server.accepts("abort", &json!({"gid": "t", "trans_type": "tcc"})).await;
    let late = server.post("registerBranch", &register("t")).await;
    assert_eq!(late.parts(), (409, expected("t").as_str()));
}

#[tokio::test]
async fn a_branch_of_another_type_is_an_error_and_a_value_that_is_no_string_a_bad_request() {
    // behaviour 23, 24
    let server = Server::start().await;
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc"})).await;
    for mode in ["saga", "msg", "nonsense", ""] {
        let body = json!({"gid": "t", "trans_type": mode, "branch_id": "01"});
        let answer = server.post("registerBranch", &body).await;
        let expected = json!({"message": format!("unknow trans type: {mode}")}).to_string();
        assert_eq!(answer.parts(), (500, expected.as_str()));
    }
    for bad in [r#"{"gid":1}"#, r#"{"gid":"t","data":{}}"#, r#"{"gid":"t","x":[]}"#, "[]", "nonsense", ""] {
        let answer = server.post_text("registerBranch", bad).await;
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
        assert!(answer.json().get("dtm_result").is_none() && !answer.message().is_empty(), "{answer:?}");
    }
    assert_eq!(server.query("t").await.rows(), "");
}

#[tokio::test]
async fn the_same_branch_again_is_fine_and_another_one_under_its_id_is_refused() {
    // behaviour 25, decision 2, defect B19
    let (server, branches) = both().await;
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc"})).await;
    server.accepts("prepare", &json!({"gid": "x", "trans_type": "xa"})).await;
    let tcc = json!({
        "gid": "t", "trans_type": "tcc", "branch_id": "01", "data": "d",
        "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"),
    });
    let xa = json!({"gid": "x", "trans_type": "xa", "branch_id": "01", "url": branches.url("/xa")});
    for body in [&tcc, &tcc, &xa, &xa] {
        server.accepts("registerBranch", body).await;
    }
    let others = [
        (tcc.clone().with("confirm", branches.url("/other")), "confirm"),
        (tcc.clone().with("cancel", branches.url("/other")), "cancel"),
        (tcc.clone().with("data", "other"), "data"),
        (xa.clone().with("url", branches.url("/other")), "url"),
    ];
    for (other, name) in others {
        let refused = server.post("registerBranch", &other).await;
        assert_eq!(refused.status, 409, "{name}: {refused:?}");
        assert!(refused.message().contains(name), "{name}: {refused:?}");
    }
    assert_eq!(server.query("t").await.row_names(), ["01 cancel", "01 confirm"]);
    assert_eq!(server.query("x").await.rows(), "p p");
    assert_eq!(server.query("t").await.branches()[1]["url"], branches.url("/confirm"));
}

#[tokio::test]
async fn a_workflow_notices_the_second_execution_of_a_step() {
    // behaviour 25, decision 2
    let server = Server::start().await;
    let workflow = json!({
        "gid": "w", "trans_type": "workflow", "query_prepared": "http://127.0.0.1:1/never",
        "custom_data": r#"{"name":"n","data":null}"#,
    });
    server.accepts("prepare", &workflow).await;
    let step = json!({
        "gid": "w", "trans_type": "workflow", "branch_id": "01", "op": "action", "status": "succeed", "data": "d",
    });
    server.accepts("registerBranch", &step).await;
    let again = server.post("registerBranch", &step).await;
    assert_eq!(again.status, 500, "{again:?}");
    let view = server.query("w").await;
    assert_eq!((view.row_names(), view.rows()), (vec!["01 action".to_owned()], "s".to_owned()));
    let end = json!({
        "gid": "w", "trans_type": "workflow", "req_extra": {"status": "succeed", "result": "cmVzdWx0"},
    });
    assert_eq!(server.post("submit", &end).await.parts(), (200, SUCCESS));
    let view = server.query("w").await;
    assert_eq!((view.status(), view.field("result")), ("succeed", "cmVzdWx0"));
}
