//! Submits: each answer, and each way of not answering, has its own error.

use std::time::Duration;

use dtm_client::{Client, Error, Retry, Saga, Status, Step};

use super::client;
use super::scripted::{Say, Scripted};

fn saga(client: &Client) -> Saga {
    client.saga("order-1").step(Step::new("http://a/do", "http://a/undo").payload(&7).unwrap())
}

const SUCCESS: &str = r#"{"dtm_result":"SUCCESS"}"#;

#[tokio::test]
async fn an_accepted_saga_is_submitted_and_a_waited_for_one_has_succeeded() {
    // behaviour 13, 68
    let server = Scripted::start([Say::Http(200, SUCCESS), Say::Http(200, SUCCESS)]).await;
    let client = client(&server);
    assert_eq!(saga(&client).submit().await.unwrap().status, Status::Submitted);
    assert_eq!(saga(&client).wait_result().submit().await.unwrap().status, Status::Succeed);
    let requests = server.requests();
    assert_eq!(requests[0].path, "/api/dtmsvr/submit");
    assert_eq!(requests[0].content_type, "application/json");
    assert_eq!(
        requests[0].body,
        r#"{"gid":"order-1","trans_type":"saga","steps":[{"action":"http://a/do","compensate":"http://a/undo"}],"payloads":["7"]}"#
    );
}

#[tokio::test]
async fn the_server_is_asked_for_a_gid_once_and_it_stays_the_same() {
    // behaviour 10, decision 1
    let server = Scripted::start([
        Say::Http(200, r#"{"dtm_result":"SUCCESS","gid":"from-server"}"#),
        Say::Http(500, r#"{"message":"disk is slow"}"#),
        Say::Http(200, SUCCESS),
    ])
    .await;
    let client = client(&server);
    let saga = client.saga_with_new_gid();
    let error = saga.submit().await.unwrap_err();
    assert!(matches!(&error, Error::Unknown { gid, .. } if gid == "from-server"), "{error}");
    assert_eq!(saga.submit().await.unwrap().gid, "from-server");
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/dtmsvr/newGid", "/api/dtmsvr/submit", "/api/dtmsvr/submit"]);
}

#[tokio::test]
async fn without_a_gid_from_the_server_nothing_is_submitted() {
    for answer in
        [Say::Http(500, "{}"), Say::Http(200, "<html>"), Say::Http(200, r#"{"gid":""}"#), Say::Nothing]
    {
        let server = Scripted::start([answer]).await;
        let error = client(&server).saga_with_new_gid().submit().await.unwrap_err();
        assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn rolled_back_and_still_running_are_told_apart_by_the_status_in_the_body() {
    // behaviour 68, decision 5
    let server = Scripted::start([
        Say::Http(409, r#"{"dtm_result":"FAILURE","message":"no money FAILURE","status":"failed"}"#),
        Say::Http(409, r#"{"dtm_result":"FAILURE","message":"wait result not return success: FAILURE","status":"submitted"}"#),
        Say::Http(409, r#"{"dtm_result":"FAILURE","message":"no money FAILURE","status":"aborting"}"#),
    ])
    .await;
    let saga = saga(&client(&server)).wait_result();
    let error = saga.submit().await.unwrap_err();
    assert_eq!(error.to_string(), "transaction order-1 was rolled back: no money");
    assert!(!error.is_temporary());
    for expected in [Status::Submitted, Status::Aborting] {
        let error = saga.submit().await.unwrap_err();
        assert!(matches!(error, Error::StillRunning { status, .. } if status == expected), "{error}");
    }
    assert_eq!(server.requests().len(), 3, "no further questions");
}

const FAILED: &str = r#"{"branches":[],"transaction":{"gid":"order-1","trans_type":"saga","status":"failed","rollback_reason":"no money FAILURE"}}"#;

#[tokio::test]
async fn a_server_that_answers_as_dtm_does_is_asked_for_the_status() {
    // behaviour 68, defect B18
    let server = Scripted::start([
        Say::Http(409, r#"{"dtm_result":"FAILURE","message":"no money FAILURE"}"#),
        Say::Http(200, FAILED),
        Say::Http(409, r#"{"dtm_result":"FAILURE","message":"gid is in use by a transaction with other content: payloads[0] differs"}"#),
        Say::Http(200, FAILED),
    ])
    .await;
    let saga = saga(&client(&server)).wait_result();
    let error = saga.submit().await.unwrap_err();
    assert!(matches!(error, Error::RolledBack { .. }), "{error}");
    let error = saga.submit().await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused { code: 409, message, .. } if message.contains("payloads[0]")),
        "{error}"
    );
}

#[tokio::test]
async fn a_repeated_submit_of_an_ended_saga_tells_how_it_ended() {
    // behaviour 16: the answer of the first submit got lost, the saga ended meanwhile
    let server = Scripted::start([
        Say::HangUp,
        Say::Http(
            409,
            r#"{"dtm_result":"FAILURE","message":"current status 'succeed', cannot sumbmit. FAILURE"}"#,
        ),
        Say::Http(
            409,
            r#"{"dtm_result":"FAILURE","message":"current status 'failed', cannot sumbmit. FAILURE"}"#,
        ),
        Say::Http(200, FAILED),
    ])
    .await;
    let saga = saga(&client(&server));
    assert_eq!(saga.submit().await.unwrap().status, Status::Succeed);
    let error = saga.submit().await.unwrap_err();
    assert!(matches!(&error, Error::RolledBack { reason, .. } if reason.starts_with("no money")), "{error}");
}

#[tokio::test]
async fn a_refusal_carries_the_code_and_the_words_of_the_server() {
    // decision 14
    for (code, body) in [
        (400, r#"{"message":"steps: none"}"#),
        (409, r#"{"dtm_result":"FAILURE","message":"steps: none"}"#),
        (413, "steps: none"),
        (404, "steps: none"),
        (302, "steps: none"),
    ] {
        let server = Scripted::start([Say::Http(code, body)]).await;
        let error = saga(&client(&server)).submit().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the server refused submit of order-1 with HTTP {code}: steps: none")
        );
        assert_eq!(server.requests().len(), 1, "a refusal is not repeated");
    }
}

#[tokio::test]
async fn a_time_out_is_unknown_and_the_caller_decides_what_to_do() {
    // defect M12
    let server = Scripted::start([Say::Nothing]).await;
    let error = saga(&client(&server)).submit().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Unknown { .. }) && error.is_temporary(), "{text}");
    assert!(
        text.contains("no answer in time") && text.contains("submit it again with the same gid"),
        "{text}"
    );
    assert_eq!(server.requests().len(), 1, "a time-out is not repeated");
}

#[tokio::test]
async fn a_waiting_submit_has_a_time_out_of_its_own() {
    let server = Scripted::start([Say::After(Duration::from_millis(500), 200, SUCCESS)]).await;
    let saga = saga(&client(&server)).wait_result();
    assert_eq!(saga.submit().await.unwrap().status, Status::Succeed, "the usual time-out is 400 ms");
}

#[tokio::test]
async fn a_broken_connection_and_a_gateway_error_are_repeated_with_the_same_content() {
    let server = Scripted::start([Say::HangUp, Say::Http(503, "gateway"), Say::Http(200, SUCCESS)]).await;
    assert_eq!(saga(&client(&server)).submit().await.unwrap().status, Status::Submitted);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.body == requests[0].body));
}

#[tokio::test]
async fn repetitions_end() {
    let server = Scripted::start((0..9).map(|_| Say::HangUp)).await;
    let error = saga(&client(&server)).submit().await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    assert_eq!(server.requests().len(), 3);
    let address = server.address();
    drop(server);
    let once = Client::builder(&address).retry(Retry::never()).build().unwrap();
    let error = once.saga("order-1").submit().await.unwrap_err();
    assert!(matches!(&error, Error::Unknown { cause, .. } if cause.starts_with("no connection")), "{error}");
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_is_unknown() {
    for (code, body) in [(200, ""), (200, "<html>"), (200, "{}"), (204, ""), (409, r#"{"status":"melted"}"#)]
    {
        let server = Scripted::start([Say::Http(code, body)]).await;
        let error = saga(&client(&server)).submit().await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{code} {body}: {error}");
    }
}

#[tokio::test]
async fn a_status_is_asked_for_with_the_gid_escaped_and_an_unknown_gid_is_none() {
    // behaviour 27
    let server =
        Scripted::start([Say::Http(200, FAILED), Say::Http(200, r#"{"branches":[],"transaction":null}"#)])
            .await;
    let client = client(&server);
    assert_eq!(client.status("a/b c&d").await.unwrap(), Some(Status::Failed));
    assert_eq!(client.status("g").await.unwrap(), None);
    assert!(matches!(client.status("").await, Err(Error::Invalid { field: "gid", .. })));
    assert_eq!(server.requests().len(), 2, "a gid that is none is not asked for");
    assert_eq!(server.requests()[0].path, "/api/dtmsvr/query?gid=a%2Fb+c%26d");
}

#[test]
fn no_secret_is_shown_by_debug() {
    // decision 24
    let client = Client::http("http://user:secret1@localhost/api/dtmsvr").unwrap();
    let step = Step::new("http://a", "").payload("secret2").unwrap();
    let saga = client.saga("g").step(step).branch_header("authorization", "secret3");
    let shown = format!("{saga:?} {client:?} {:?}", Client::builder("http://user:secret4@h"));
    assert!(!shown.contains("secret"), "{shown}");
}
