//! Every way in which a branch can answer, and misbehave (behaviour 55, decision 3, defects R8, S10).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{Branches, Gate, Reply, Settings, View, With, both, saga};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Success,
    Failure,
    Ongoing,
    Unknown,
}

use Meaning::{Failure, Ongoing, Success, Unknown};

impl Meaning {
    /// What became of the first pass of a saga of one step with an interval of 100 s.
    fn shown_by(view: &View) -> Self {
        match (view.status(), view.rows().as_str(), view.number("next_cron_interval")) {
            ("succeed", "p s", 100) => Success,
            ("failed", "s f", 100) => Failure,
            ("submitted", "p p", 100) => Ongoing,
            ("submitted", "p p", 200) => Unknown,
            _ => panic!("no end of a pass: {view:?}"),
        }
    }
}

/// Submits one saga for each answer, waits for the end of its pass, and compares what the server made of it.
async fn assert_meanings(protocol: &str, table: &[(&str, Reply, Meaning)]) {
    let server = Settings::default().with("RESULT_PROTOCOL", protocol).start().await;
    let branches = Branches::start().await;
    let passes = table.iter().enumerate().map(|(number, (_, reply, _))| {
        let path = format!("/r{number}");
        branches.on(&path, [reply.clone()]);
        let steps = json!([{"action": branches.url(&path), "compensate": ""}]);
        let body = saga(&format!("g{number}"), &branches, 1).with("steps", steps).with("wait_result", true);
        let body = body.with("retry_interval", 100).with("request_timeout", 1);
        let server = &server;
        async move { server.post("submit", &body).await }
    });
    let answers = join_all(passes).await;
    for (number, (name, _, expected)) in table.iter().enumerate() {
        let view = server.query(&format!("g{number}")).await;
        assert_eq!(Meaning::shown_by(&view), *expected, "{name}: {view:?}");
        let status = if *expected == Success { 200 } else { 409 };
        assert_eq!(answers[number].status, status, "{name}: {:?}", answers[number]);
    }
    assert_eq!(branches.calls().len(), table.len(), "nothing was called twice or followed");
}

#[tokio::test]
async fn compat_looks_at_the_status_and_then_at_dtm_result() {
    // behaviour 55, defects B13, S10, decision 3
    assert_meanings(
        "compat",
        &[
            ("200", Reply::ok(), Success),
            ("200 without a body", Reply::of(200, ""), Success),
            ("200 with any text", Reply::of(200, "hello"), Success),
            ("200 that mentions FAILURE", Reply::of(200, r#"{"note":"FAILURE is not an option"}"#), Success),
            ("200 with FAILURE in the field", Reply::of(200, r#"{"dtm_result":"FAILURE"}"#), Failure),
            ("200 that is FAILURE", Reply::of(200, " FAILURE\n"), Failure),
            (
                "200 with ONGOING in the field",
                Reply::of(200, r#"{"x":1, "dtm_result" : "ONGOING"}"#),
                Ongoing,
            ),
            ("409", Reply::of(409, ""), Failure),
            ("409 with SUCCESS in the field", Reply::of(409, r#"{"dtm_result":"SUCCESS"}"#), Failure),
            ("422 with FAILURE in the field", Reply::of(422, r#"{"dtm_result":"FAILURE"}"#), Failure),
            ("425", Reply::of(425, ""), Ongoing),
            ("425 with FAILURE in the field", Reply::of(425, r#"{"dtm_result":"FAILURE"}"#), Ongoing),
            ("500", Reply::of(500, "FAILURE happened somewhere"), Unknown),
            ("201", Reply::of(201, ""), Unknown),
            ("204", Reply::of(204, ""), Unknown),
            ("404", Reply::of(404, "not here"), Unknown),
            ("503", Reply::of(503, ""), Unknown),
        ],
    )
    .await;
}

#[tokio::test]
async fn legacy_searches_the_words_and_strict_looks_at_the_status_only() {
    // behaviour 55, decision 3
    assert_meanings(
        "legacy",
        &[
            ("FAILURE in a 200", Reply::of(200, r#"{"note":"FAILURE"}"#), Failure),
            ("FAILURE in a 500", Reply::of(500, "FAILURE"), Failure),
            ("ONGOING comes first", Reply::of(409, "ONGOING FAILURE"), Ongoing),
            ("200", Reply::ok(), Success),
        ],
    )
    .await;
    assert_meanings(
        "strict",
        &[
            ("FAILURE in a 200", Reply::of(200, r#"{"dtm_result":"FAILURE"}"#), Success),
            ("409", Reply::failure(), Failure),
            ("425", Reply::ongoing(), Ongoing),
            ("FAILURE in a 500", Reply::of(500, r#"{"dtm_result":"FAILURE"}"#), Unknown),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_whole_answer_means_nobody_knows() {
    // "Bad input": 3xx, endless body, half a body, nothing
    let elsewhere = "http://127.0.0.1:1/elsewhere";
    assert_meanings(
        "compat",
        &[
            ("nothing", Reply::Close, Unknown),
            ("never", Reply::Hang, Unknown),
            ("no HTTP", Reply::Garbage, Unknown),
            ("half a body of a 200", Reply::HalfBody(200), Unknown),
            ("a 200 whose body stands still", Reply::StuckBody(200), Unknown),
            ("an endless 200", Reply::EndlessBody(200), Unknown),
            ("an endless 500", Reply::EndlessBody(500), Unknown),
            ("301", Reply::of(301, "").with_header("location", elsewhere), Unknown),
            ("302", Reply::of(302, "").with_header("location", elsewhere), Unknown),
            ("307", Reply::of(307, "").with_header("location", elsewhere), Unknown),
            ("a large head", Reply::of(200, "").with_header("x-large", "x".repeat(1 << 20)), Unknown),
            ("broken JSON with dtm_result", Reply::of(200, r#"{"dtm_result":"FAIL"#), Unknown),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_endless_body_takes_bounded_memory() {
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::EndlessBody(200)]);
    let before = server.peak_memory();
    for number in 0..20 {
        let body = saga(&format!("g{number}"), &branches, 1).with("retry_interval", 100);
        server.submit(&body).await;
    }
    for number in 0..20 {
        server.until(&format!("g{number}"), |view| view.number("next_cron_interval") == 200).await;
    }
    let grown = server.peak_memory() - before;
    assert!(grown < 100 << 20, "grew by {grown} bytes");
}

#[tokio::test]
async fn nobody_listening_means_not_done_and_is_tried_again() {
    let (server, branches) = both().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a", nobody.local_addr().unwrap());
    drop(nobody);
    let steps = json!([{"action": url, "compensate": ""}]);
    server.submit(&saga("g", &branches, 1).with("steps", steps).with("retry_interval", 100)).await;
    let view = server.until("g", |view| view.number("next_cron_interval") == 200).await;
    assert_eq!((view.status(), view.rows().as_str()), ("submitted", "p p"));
}

#[tokio::test]
async fn a_branch_that_never_answers_costs_its_own_time_out_and_nobody_elses() {
    // "Bad input", last sentence; defect R10
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/hangs", [Reply::ok().behind(&gate)]);
    let steps = json!([{"action": branches.url("/hangs"), "compensate": ""}]);
    for number in 0..200 {
        let body = saga(&format!("hangs{number}"), &branches, 1).with("steps", steps.clone());
        server.submit(&body.with("request_timeout", 20)).await;
    }
    branches.wait_for("/hangs", 200).await;
    let begun = Instant::now();
    for number in 0..50 {
        let body = saga(&format!("g{number}"), &branches, 2).with("wait_result", true);
        server.submit(&body).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    gate.open();
    for number in 0..200 {
        assert_eq!(server.end_of(&format!("hangs{number}")).await.status(), "succeed");
    }
    assert_eq!(branches.count("/hangs"), 200);
}
