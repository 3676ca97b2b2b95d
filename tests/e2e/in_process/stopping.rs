//! An application that stops.

use std::time::Duration;

use dtm_server::embedded::{BranchContext, BranchResult, Done, Error, Status, Step, local};
use tokio::sync::watch;

use super::application::{at, end_of};
use super::seen::{Act, Seen, step};
use crate::harness::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_running_may_end_before_it_has_stopped_and_nothing_new_is_accepted() {
    // decision 28
    let place = Place::new();
    let gate = watch::Sender::new("closed");
    let stock = |gate: watch::Sender<&'static str>, _: BranchContext, (): ()| async move {
        gate.send_replace("called");
        gate.subscribe().wait_for(|gate| *gate == "open").await?;
        BranchResult::Ok(Done)
    };
    let app = at(&place).branch_with("stock", &gate, stock).start().await.unwrap();
    let coordinator = app.coordinator();
    coordinator.saga("g").step(Step::new(local("stock"), "")).submit().await.unwrap();
    gate.subscribe().wait_for(|gate| *gate == "called").await.unwrap();

    let stopping = tokio::spawn(app.stop());
    let refused = loop {
        match coordinator.saga("late").step(Step::new("", "")).submit().await {
            Ok(_) => tokio::task::yield_now().await, // it has not begun to stop
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Unknown { .. }), "{refused}");
    assert!(!stopping.is_finished(), "a branch is still running");
    gate.send_replace("open");
    stopping.await.unwrap().unwrap();

    let app = at(&place).branch_with("stock", &gate, stock).start().await.unwrap();
    assert_eq!(end_of(&app, "g").await, Status::Succeed);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_does_not_end_is_dropped_and_its_transaction_goes_on_after_the_next_start() {
    // decision 28
    let (place, seen) = (Place::new(), Seen::default());
    seen.on("stock", [Act::Hang]);
    let start = async || {
        let builder = seen.register(at(&place), &["stock"]);
        builder
            .configure(|config| config.runner.drain_timeout = Duration::from_millis(100))
            .start()
            .await
            .unwrap()
    };
    let app = start().await;
    let saga = app.saga("g").step(step("stock", "", 1)).request_timeout(Duration::from_secs(60));
    saga.submit().await.unwrap();
    seen.wait_for(1).await;
    app.stop().await.unwrap();
    seen.wait_for_dropped(1).await;

    let app = start().await;
    assert_eq!(end_of(&app, "g").await, Status::Succeed);
    assert_eq!(seen.calls(), ["stock 01 action 1"; 2]);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_dropped_stops_in_the_background() {
    let (place, seen) = (Place::new(), Seen::default());
    let app = seen.register(at(&place), &["stock"]).start().await.unwrap();
    let coordinator = app.coordinator();
    drop(app);
    let saga = coordinator.saga("g").step(step("stock", "", 1));
    while saga.submit().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(saga.submit().await, Err(Error::Unknown { .. })));
}
