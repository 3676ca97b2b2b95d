//! An application that dies, and one that starts again as another version.

use std::time::Duration;

use dtm_server::embedded::Status;

use super::application::{Application, at, end_of};
use super::seen::{Act, Seen, step};
use crate::harness::Place;

#[test]
fn what_an_application_that_died_had_accepted_is_driven_on_by_the_next_start() {
    let (place, first) = (Place::new(), Seen::default());
    first.on("pay", [Act::Hang]);
    let app = Application::start(first.register(at(&place), &["stock", "pay"]));
    app.run(async |app| {
        let saga = app.saga("g").step(step("stock", "", 1)).step(step("pay", "", 2));
        saga.request_timeout(Duration::from_secs(60)).submit().await.unwrap();
        first.wait_for(2).await;
    });
    app.die();
    assert_eq!(first.dropped(), 1, "the call was under way");

    let second = Seen::default();
    let app = Application::start(second.register(at(&place), &["stock", "pay"]));
    assert_eq!(app.run(async |app| end_of(app, "g").await), Status::Succeed);
    assert_eq!(
        second.calls().last().unwrap(),
        "pay 02 action 2",
        "called again: nobody knew what it had done"
    );
    app.die();
}

#[test]
fn a_name_that_the_next_version_does_not_register_waits_until_one_does() {
    let (place, first) = (Place::new(), Seen::default());
    first.on("pay", [Act::Hang]);
    let app = Application::start(first.register(at(&place), &["stock", "stock-undo", "pay"]));
    app.run(async |app| {
        let saga = app.saga("g").step(step("stock", "stock-undo", 1)).step(step("pay", "", 2));
        // not even a limit of tries makes a failure of it
        saga.retry_limit(1).request_timeout(Duration::from_secs(60)).submit().await.unwrap();
        first.wait_for(2).await;
    });
    app.die();

    let second = Seen::default();
    let app = Application::start(second.register(at(&place), &["stock", "stock-undo"]));
    app.run(async |app| {
        let failures = async || app.stored("g").await.unwrap().unwrap().state.failures;
        while failures().await < 2 {
            app.retry_now("g").await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(app.status("g").await.unwrap(), Some(Status::Submitted));
    });
    assert!(!second.calls().iter().any(|call| call.contains("compensate")), "{:?}", second.calls());
    app.die();

    let third = Seen::default();
    let app = Application::start(third.register(at(&place), &["stock", "stock-undo", "pay"]));
    assert_eq!(app.run(async |app| end_of(app, "g").await), Status::Succeed);
    assert_eq!(third.calls(), ["pay 02 action 2"]);
    app.die();
}
