//! What a TCC or a message does with each answer to prepare, submit and abort.

use dtm_client::branch::BranchError;
use dtm_client::{Client, Error, Fate, Status};

use super::client;
use super::scripted::{Say, Scripted};

const SUCCESS: &str = r#"{"dtm_result":"SUCCESS"}"#;

/// Runs a TCC without branches.
async fn run(client: &Client, result: Result<u32, BranchError>) -> Result<u32, Error> {
    client.tcc("g").run(async |_| result).await
}

fn paths(server: &Scripted) -> Vec<String> {
    let verb = |path: String| path.rsplit('/').next().unwrap_or("").to_owned();
    server.requests().into_iter().map(|request| verb(request.path)).collect()
}

#[tokio::test]
async fn without_an_answer_to_prepare_the_closure_is_not_called() {
    for (say, refused) in [
        (Say::Http(500, r#"{"message":"disk is slow"}"#), false),
        (Say::Http(200, "<html>"), false),
        (Say::Nothing, false),
        (Say::Http(404, "404 page not found"), true),
        (Say::Http(400, r#"{"message":"unknown trans_type"}"#), true),
    ] {
        let server = Scripted::start([say]).await;
        let client = client(&server);
        let run = client.tcc("g").run(async |_| -> Result<(), BranchError> { panic!("it is called") });
        match run.await.unwrap_err() {
            Error::NoAnswer { .. } => assert!(!refused),
            Error::Refused { .. } => assert!(refused),
            other => panic!("{other}"),
        }
        assert_eq!(paths(&server), ["prepare"]);
    }
}

#[tokio::test]
async fn a_prepare_that_comes_too_late_tells_how_the_transaction_stands() {
    // behaviour 12
    let late = |status: &'static str| match status {
        "succeed" => {
            r#"{"dtm_result":"FAILURE","message":"current status 'succeed', cannot prepare. FAILURE"}"#
        }
        _ => r#"{"dtm_result":"FAILURE","message":"current status 'aborting', cannot prepare. FAILURE"}"#,
    };
    let server = Scripted::start([Say::Http(409, late("succeed")), Say::Http(409, late("aborting"))]).await;
    let client = client(&server);
    let error = run(&client, Ok(1)).await.unwrap_err();
    assert!(matches!(error, Error::AlreadySucceeded { .. }), "{error}");
    let error = run(&client, Ok(1)).await.unwrap_err();
    assert!(matches!(error, Error::StillRunning { status: Status::Aborting, .. }), "{error}");
}

#[tokio::test]
async fn a_submit_that_is_not_answered_is_unknown_and_is_not_followed_by_an_abort() {
    // defect M12
    let server = Scripted::start([Say::Http(200, SUCCESS), Say::Nothing]).await;
    let error = run(&client(&server), Ok(1)).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    assert_eq!(paths(&server), ["prepare", "submit"]);
}

#[tokio::test]
async fn a_submit_that_comes_after_the_time_out_tells_that_it_is_rolled_back() {
    // behaviour 16, 78
    let server = Scripted::start([
        Say::Http(200, SUCCESS),
        Say::Http(
            409,
            r#"{"dtm_result":"FAILURE","message":"current status 'aborting', cannot sumbmit. FAILURE"}"#,
        ),
    ])
    .await;
    let error = run(&client(&server), Ok(1)).await.unwrap_err();
    assert!(matches!(error, Error::StillRunning { status: Status::Aborting, .. }), "{error}");
}

#[tokio::test]
async fn whatever_becomes_of_an_abort_the_error_of_the_closure_is_what_the_caller_gets() {
    // features 1.5
    for say in [Say::Http(200, SUCCESS), Say::Http(409, "{}"), Say::Nothing] {
        let server = Scripted::start([Say::Http(200, SUCCESS), say]).await;
        let long = "x".repeat(5_000);
        let error = run(&client(&server), Err(BranchError::roll_back(long))).await.unwrap_err();
        assert!(matches!(error, Error::Closure { fate: Fate::RollingBack, .. }), "{error}");
        assert_eq!(paths(&server), ["prepare", "abort"]);
        let body = &server.requests()[1].body;
        assert!(body.contains(r#""rollback_reason":"xxx"#), "{body}");
        assert!(body.len() < 1_200, "DTM keeps 1,024 characters of it");
    }
}

#[tokio::test]
async fn nothing_is_sent_for_a_payload_that_cannot_be_written() {
    let server = Scripted::start([]).await;
    let no_json = std::collections::BTreeMap::from([([1, 2], 3)]);
    let message = client(&server).message("g").step("http://a", &no_json);
    let sent = message.do_and_submit("http://a/query", async |_| -> Result<(), BranchError> {
        panic!("nothing is prepared")
    });
    let error = sent.await.unwrap_err();
    assert!(matches!(error, Error::Invalid { field: "payload", .. }), "{error}");
    assert!(server.requests().is_empty());
}
