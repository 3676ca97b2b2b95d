//! What is refused before anything is stored, and what is not listened to.

use std::time::Duration;

use dtm_server::embedded::{BranchContext, BranchResult, Done, Error, StartError, Status, Step, local};

use super::application::{Application, at};
use super::seen::{Seen, step};
use crate::harness::{Client, Place};

async fn done(_: BranchContext, (): ()) -> BranchResult {
    Ok(Done)
}

#[test]
fn what_can_never_be_called_is_refused_and_nothing_is_stored() {
    // decision 14
    let (place, seen) = (Place::new(), Seen::default());
    let app = Application::start(seen.register(at(&place), &["stock", "pay"]));
    app.run(async |app| {
        let refused = async |gid: &str, step: Step| match app.saga(gid).step(step).submit().await {
            Err(Error::Refused { message, .. }) => message,
            other => panic!("{other:?}"),
        };
        let message = refused("g", step("stock", "storck", 1)).await;
        assert!(
            message.starts_with("steps[0].compensate: no branch of this program is registered as 'storck'"),
            "{message}"
        );
        assert!(message.contains("registered: pay, stock"), "{message}");
        assert!(refused("g", Step::new("localhost:80", "")).await.contains("http://"));
        let large = Step::new(local("stock"), "").payload(&"x".repeat(9 << 20)).unwrap();
        assert!(refused("g", large).await.contains("at most 8388608 are allowed"));
        let nameless = app.saga("").step(step("stock", "", 1)).submit().await;
        assert!(matches!(nameless, Err(Error::Invalid { field: "gid", .. })), "{nameless:?}");
        let zero = app.saga("g").step(step("stock", "", 1)).request_timeout(Duration::ZERO).submit().await;
        assert!(matches!(zero, Err(Error::Invalid { .. })), "{zero:?}");
        let alone = app.message("g").step(local("stock"), &1).do_and_submit("", async |_| Ok(Done)).await;
        assert!(matches!(alone, Err(Error::Invalid { .. })), "{alone:?}");
        for gid in ["", "a\nb"] {
            let wrong = app.stored(gid).await;
            assert!(matches!(wrong, Err(Error::Refused { code: 400, .. })), "{wrong:?}");
        }
        assert_eq!(app.status("g").await.unwrap(), None);
    });
    assert!(seen.calls().is_empty());
}

#[test]
fn the_same_name_with_other_content_is_refused() {
    // decision 1
    let (place, seen) = (Place::new(), Seen::default());
    let app = Application::start(seen.register(at(&place), &["stock"]));
    app.run(async |app| {
        let saga = |count| app.saga("g").step(step("stock", "", count)).wait_result();
        assert_eq!(saga(1).submit().await.unwrap().status, Status::Succeed);
        match saga(2).submit().await {
            Err(Error::Refused { message, .. }) => assert!(message.contains("payloads[0]"), "{message}"),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(seen.calls(), ["stock 01 action 1"]);
}

#[tokio::test]
async fn a_name_that_no_url_can_have_and_one_that_is_there_twice_stop_the_start() {
    let place = Place::new();
    for (one, other, problem) in
        [("1", "b", "has to begin with a letter"), ("a", "a", "twice"), ("a", "b c", "only")]
    {
        match at(&place).branch(one, done).branch(other, done).start().await {
            Err(error @ StartError::LocalBranch { .. }) => {
                assert!(error.to_string().contains(problem), "{error}")
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(place.is_untouched());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_listens_only_when_it_is_told_to_and_others_may_use_the_functions_then() {
    // behaviour 27
    let place = Place::new();
    let app = at(&place).branch("stock", done).start().await.unwrap();
    assert_eq!((app.http_address(), app.grpc_address()), (None, None));
    app.stop().await.unwrap();

    let app = at(&place).branch("stock", done).http(0).grpc(0).start().await.unwrap();
    let (http, grpc) = (app.http_address().unwrap(), app.grpc_address().unwrap());
    assert!(http.ip().is_loopback() && grpc.ip().is_loopback());
    let client = Client::new(http.port());
    let body = serde_json::json!({
        "gid": "g", "trans_type": "saga", "steps": [{"action": "local:stock", "compensate": ""}], "payloads": ["null"],
        "wait_result": true,
    });
    client.accepts("submit", &body).await;
    assert_eq!(client.end_of("g").await.rows(), "p s");
    assert_eq!(app.status("g").await.unwrap(), Some(Status::Succeed));
    app.stop().await.unwrap();
}
