//! Two applications on one database: `E2E_STORE=postgres`, `mysql` or `redis`.

use std::time::Duration;

use dtm_server::embedded::Status;

use super::application::{Application, at, end_of};
use super::seen::{Act, Seen, step};
use crate::harness::Place;

const COUNT: usize = 20;

#[test]
fn what_an_application_that_died_was_driving_is_driven_by_the_other_one() {
    let Some(place) = Place::shared() else { return };
    let (first, second) = (Seen::default(), Seen::default());
    first.on("pay", [Act::Hang; COUNT]);
    let dying = Application::start(first.register(at(&place), &["stock", "pay"]));
    let other = Application::start(second.register(at(&place), &["stock", "pay"]));
    dying.run(async |app| {
        for number in 0..COUNT {
            let saga = app.saga(format!("g{number}")).step(step("stock", "", 1)).step(step("pay", "", 2));
            saga.request_timeout(Duration::from_secs(60)).submit().await.unwrap();
        }
        first.wait_for(2 * COUNT).await;
    });
    assert!(second.calls().is_empty(), "only one of them drives a transaction");
    dying.die();
    other.run(async |app| {
        for number in 0..COUNT {
            assert_eq!(end_of(app, &format!("g{number}")).await, Status::Succeed);
        }
    });
    let calls = second.calls();
    assert_eq!(calls.iter().filter(|call| *call == "pay 02 action 2").count(), COUNT, "{calls:?}");
    other.die();
}

#[test]
fn what_an_application_that_stops_was_driving_is_taken_up_by_the_other_one() {
    let Some(place) = Place::shared() else { return };
    let (first, second) = (Seen::default(), Seen::default());
    first.on("pay", [Act::Hang]);
    let soon =
        |config: &mut dtm_server::config::Config| config.runner.drain_timeout = Duration::from_millis(100);
    let stopping = Application::start(first.register(at(&place), &["pay"]).configure(soon));
    let other = Application::start(second.register(at(&place), &["pay"]));
    stopping.run(async |app| {
        let saga = app.saga("g").step(step("pay", "", 2)).request_timeout(Duration::from_secs(60));
        saga.submit().await.unwrap();
        first.wait_for(1).await;
    });
    stopping.stop();
    assert_eq!(other.run(async |app| end_of(app, "g").await), Status::Succeed);
    assert_eq!(
        (first.dropped(), second.calls().len()),
        (1, 1),
        "the first call had ended before the second began"
    );
    other.die();
}
