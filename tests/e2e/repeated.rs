//! The same request again, and requests at the same moment: nothing is done twice (decision 1).

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Branches, Gate, Reply, SUCCESS, Server, With, both, message, saga};

async fn prepared_tcc(server: &Server, branches: &Branches, gid: &str) -> Value {
    let body = json!({"gid": gid, "trans_type": "tcc"});
    server.accepts("prepare", &body).await;
    let register = json!({
        "gid": gid, "trans_type": "tcc", "branch_id": "01", "data": "{}",
        "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"),
    });
    server.accepts("registerBranch", &register).await;
    body
}

#[tokio::test]
async fn a_second_submit_of_a_tcc_does_not_end_it_without_confirming() {
    // defect B1
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/confirm", [Reply::error(), Reply::ok().behind(&gate)]);
    let body = prepared_tcc(&server, &branches, "g").await.with("retry_interval", 100);
    server.accepts("submit", &body).await;
    server.until("g", |view| view.number("next_cron_interval") == 200).await;
    server.accepts("submit", &body).await;
    branches.wait_for("/confirm", 2).await;
    let view = server.query("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("submitted", "p p"));
    gate.open();
    assert_eq!(server.end_of("g").await.rows(), "p s");
    assert_eq!(branches.paths(), ["/confirm", "/confirm"]);
}

#[tokio::test]
async fn a_second_submit_of_a_saga_or_message_goes_on_where_the_first_one_is() {
    // defects B1, S1, behaviour 15
    let (server, branches) = both().await;
    for (gid, body) in [("s", saga("s", &branches, 2)), ("m", message("m", &branches, 2))] {
        let body = body.with("retry_interval", 100);
        let before = branches.calls().len();
        branches.on("/a2", [Reply::error(), Reply::ok()]);
        server.submit(&body).await;
        server.until(gid, |view| view.number("next_cron_interval") == 200).await;
        server.submit(&body).await;
        assert_eq!(server.end_of(gid).await.status(), "succeed");
        assert_eq!(
            branches.paths()[before..],
            ["/a1", "/a2", "/a2"],
            "{gid}: a pass at once, and only what is left"
        );
    }
}

#[tokio::test]
async fn three_equal_submits_at_the_same_moment_call_each_step_once() {
    // defect B22
    let (server, branches) = both().await;
    for number in 0..50 {
        let gid = format!("g{number}");
        let body = saga(&gid, &branches, 2);
        let submits = (0..3).map(|_| server.post("submit", &body));
        for answer in join_all(submits).await {
            let late =
                r#"{"dtm_result":"FAILURE","message":"current status 'succeed', cannot sumbmit. FAILURE"}"#;
            assert!([(200, SUCCESS), (409, late)].contains(&answer.parts()), "{answer:?}");
        }
        server.end_of(&gid).await;
    }
    assert_eq!(branches.calls().len(), 100);
}

#[tokio::test]
async fn of_two_different_submits_at_the_same_moment_one_is_refused() {
    // defects B22, S1, decision 1
    let (server, branches) = both().await;
    for number in 0..30 {
        let gid = format!("g{number}");
        let one = saga(&gid, &branches, 1);
        let other = one.clone().with("payloads", json!(["other"]));
        let (one, other) = tokio::join!(server.post("submit", &one), server.post("submit", &other));
        let refused = if one.status == 200 { &other } else { &one };
        assert_eq!([one.status, other.status].iter().filter(|status| **status == 200).count(), 1);
        assert_eq!(refused.status, 409, "{refused:?}");
        assert!(refused.message().contains("payloads[0]"), "{refused:?}");
        server.end_of(&gid).await;
    }
    assert_eq!(branches.calls().len(), 30);
}

#[tokio::test]
async fn another_content_under_the_same_gid_is_refused_and_names_the_first_difference() {
    // defect S1, decision 1
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    let body = saga("g", &branches, 2).with("request_timeout", 20);
    server.submit(&body).await;
    branches.wait_for("/a1", 1).await;
    let with_step = |index: usize, name: &str| {
        let mut other = body.clone();
        other["steps"][index][name] = branches.url("/other").into();
        other
    };
    let differences = [
        (body.clone().with("trans_type", "msg"), "trans_type"),
        (saga("g", &branches, 3).with("request_timeout", 20), "number of steps"),
        (with_step(0, "action"), "steps[0].action"),
        (with_step(1, "compensate"), "steps[1].compensate"),
        (body.clone().with("payloads", json!(["{\"step\":1}", "x"])), "payloads[1]"),
        (body.clone().with("custom_data", r#"{"concurrent":true,"orders":{}}"#), "custom_data"),
        (body.clone().with("retry_limit", 3), "retry_limit"),
        (body.clone().with("timeout_to_fail", 3), "timeout_to_fail"),
        (body.clone().with("retry_interval", 3), "retry_interval"),
        (body.clone().with("branch_headers", json!({"a": "b"})), "branch_headers"),
    ];
    for (other, name) in differences {
        let refused = server.post("submit", &other).await;
        assert_eq!(refused.status, 409, "{name}: {refused:?}");
        assert_eq!(refused.json()["dtm_result"], "FAILURE");
        assert!(refused.message().contains(name), "{name}: {refused:?}");
    }
    server.submit(&body).await;
    gate.open();
    assert_eq!(server.end_of("g").await.rows(), "p s p s");
    assert_eq!(branches.paths(), ["/a1", "/a2"]);
}

#[tokio::test]
async fn a_prepare_with_another_content_is_refused() {
    // decision 1
    let (server, branches) = both().await;
    let body = message("m", &branches, 1);
    server.accepts("prepare", &body).await;
    let other = server.post("prepare", &body.clone().with("query_prepared", branches.url("/other"))).await;
    assert_eq!(other.status, 409);
    assert!(other.message().contains("query_prepared"), "{other:?}");
    let other = server.post("submit", &message("m", &branches, 2)).await;
    assert_eq!(other.status, 409);
    assert_eq!(server.query("m").await.status(), "prepared");
    server.accepts("submit", &body).await;
    assert_eq!(server.end_of("m").await.rows(), "s");
}

#[tokio::test]
async fn force_stop_stops_the_pass_that_runs() {
    // defect B23
    let (server, branches) = both().await;
    for number in 0..20 {
        let gid = format!("g{number}");
        let gate = Gate::closed();
        branches.on("/a1", [Reply::ok().behind(&gate)]);
        server.submit(&saga(&gid, &branches, 3)).await;
        branches.wait_for("/a1", number + 1).await;
        server.accepts("forceStop", &json!({"gid": gid})).await;
        gate.open();
        let view = server.query(&gid).await;
        assert_eq!((view.status(), view.rows().as_str()), ("failed", "p p p p p p"));
    }
    // Something that comes later has come to its end, so the steps of the stopped ones would have been seen.
    branches.on("/a1", [Reply::ok()]);
    server.submit(&saga("last", &branches, 1)).await;
    server.end_of("last").await;
    assert_eq!((branches.count("/a1"), branches.count("/a2"), branches.count("/c1")), (21, 0, 0));
}

#[tokio::test]
async fn a_forced_stop_does_not_wait_for_thousands_of_branches_that_answer_at_once() {
    // defect B23
    const STEPS: usize = 10_000;
    let (server, branches) = both().await;
    let step = json!({"action": branches.url("/a"), "compensate": ""});
    let body = saga("g", &branches, 0)
        .with("steps", vec![step; STEPS])
        .with("payloads", vec![""; STEPS])
        .with("custom_data", r#"{"concurrent":true}"#);
    server.submit(&body).await;
    branches.wait_for("/a", 500).await;
    server.accepts("forceStop", &json!({"gid": "g"})).await;
    let called = branches.count("/a");
    assert!(called < STEPS / 2, "the stop was overtaken by the answers of {called} branches");
    assert_eq!(server.query("g").await.status(), "failed");
}

#[tokio::test]
async fn of_submit_and_abort_at_the_same_moment_one_wins() {
    // defect M7, decision 15, invariant I6
    let (server, branches) = both().await;
    for number in 0..30 {
        let gid = format!("g{number}");
        let body = prepared_tcc(&server, &branches, &gid).await;
        let (submit, abort) = tokio::join!(server.post("submit", &body), server.post("abort", &body));
        let view = server.end_of(&gid).await;
        let (won, lost) = if view.status() == "succeed" { (submit, abort) } else { (abort, submit) };
        assert_eq!(won.parts(), (200, SUCCESS));
        assert_eq!((lost.status, &lost.json()["dtm_result"]), (409, &json!("FAILURE")), "{lost:?}");
        let ops: Vec<_> =
            branches.calls().into_iter().filter(|call| call.gid() == gid).map(|call| call.op()).collect();
        assert_eq!(ops, [if view.status() == "succeed" { "confirm" } else { "cancel" }]);
    }
}

#[tokio::test]
async fn everything_at_the_same_moment_is_never_an_internal_error() {
    // defects M7, R25, decision 15
    let (server, branches) = both().await;
    for number in 0..15 {
        let gid = format!("g{number}");
        let body = prepared_tcc(&server, &branches, &gid).await;
        let register = |id: usize| {
            json!({
                "gid": gid, "trans_type": "tcc", "branch_id": format!("x{id}"),
                "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"),
            })
        };
        let mut requests =
            vec![("prepare", body.clone()), ("submit", body.clone()), ("submit", body.clone())];
        requests.extend((0..6).map(|id| ("registerBranch", register(id))));
        requests.extend([("abort", body.clone()), ("resetNextCronTime", json!({"gid": gid}))]);
        let answers = join_all(requests.iter().map(|(verb, body)| server.post(verb, body))).await;
        let view = server.end_of(&gid).await;
        let mut registered = 1;
        for ((verb, _), answer) in requests.iter().zip(&answers) {
            assert!([200, 409].contains(&answer.status), "{verb}: {answer:?}");
            registered += usize::from(*verb == "registerBranch" && answer.status == 200);
        }
        assert_eq!(view.branches().len(), 2 * registered, "what was acknowledged takes part");
        let expected = if view.status() == "succeed" { "p s" } else { "s p" };
        let rows = view.rows();
        assert_eq!(rows, vec![expected; registered].join(" "), "{view:?}\n{requests:#?}\n{answers:#?}");
    }
}

#[tokio::test]
async fn another_delay_or_protocol_under_the_same_gid_is_refused_and_not_ignored() {
    // decision 1, 21, behaviour 14, 90
    let (server, branches) = both().await;
    let delayed =
        |delay: u32| message("g", &branches, 1).with("custom_data", format!(r#"{{"delay":{delay}}}"#));
    server.accepts("submit", &delayed(100)).await;
    for repetition in [delayed(100), delayed(0), message("g", &branches, 1)] {
        server.accepts("submit", &repetition).await;
    }
    let other = server.post("submit", &delayed(1)).await;
    assert_eq!(other.status, 409, "{other:?}");
    assert!(other.message().contains("custom_data"), "{other:?}");

    let prepared = message("p", &branches, 1);
    server.accepts("prepare", &prepared).await;
    let other = server.post("submit", &prepared.clone().with("protocol", "json-rpc")).await;
    assert_eq!(other.status, 409, "{other:?}");
    assert!(other.message().contains("protocol"), "{other:?}");
    assert_eq!(server.query("p").await.status(), "prepared");
    assert!(branches.calls().is_empty());
    server.accepts("submit", &prepared.with("protocol", "http")).await;
    server.end_of("p").await;
}
