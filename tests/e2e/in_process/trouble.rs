//! Branches that panic, hang, or get what they do not expect.

use std::time::Duration;

use dtm_server::embedded::{BranchContext, BranchResult, Done, Error, Status, Step, local};

use super::application::{at, end_of};
use super::seen::{Act, Seen, step};
use crate::harness::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_panics_or_fails_is_called_again_and_nothing_is_undone() {
    let (place, seen) = (Place::new(), Seen::default());
    seen.on("stock", [Act::Panic, Act::Err]);
    let app = seen.register(at(&place), &["stock", "stock-undo"]).start().await.unwrap();
    let saga = app.saga("g").step(step("stock", "stock-undo", 1)).wait_result();
    match saga.submit().await {
        Err(Error::StillRunning { status, .. }) => assert_eq!(status, Status::Submitted),
        other => panic!("{other:?}"),
    }
    app.retry_now("g").await.unwrap();
    seen.wait_for(2).await;
    assert_eq!(end_of(&app, "g").await, Status::Succeed);
    assert_eq!(seen.calls(), ["stock 01 action 1"; 3]);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_is_too_slow_is_dropped_and_called_again_and_nothing_is_undone() {
    let (place, seen) = (Place::new(), Seen::default());
    seen.on("stock", [Act::Hang]);
    let app = seen.register(at(&place), &["stock", "stock-undo"]).start().await.unwrap();
    let saga = app.saga("g").step(step("stock", "stock-undo", 1)).request_timeout(Duration::from_secs(1));
    saga.submit().await.unwrap();
    seen.wait_for_dropped(1).await;
    assert_eq!(end_of(&app, "g").await, Status::Succeed);
    assert_eq!(seen.calls(), ["stock 01 action 1"; 2]);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compensation_that_fails_is_called_until_it_succeeds() {
    let (place, seen) = (Place::new(), Seen::default());
    seen.on("stock", [Act::SayNo]);
    seen.on("stock-undo", [Act::SayNo, Act::Panic]);
    let app = seen.register(at(&place), &["stock", "stock-undo"]).start().await.unwrap();
    app.saga("g").step(step("stock", "stock-undo", 1)).submit().await.unwrap();
    assert_eq!(end_of(&app, "g").await, Status::Failed);
    assert_eq!(seen.calls()[1..], ["stock-undo 01 compensate 1"; 3]);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_the_branch_does_not_expect_is_no_failure() {
    let place = Place::new();
    async fn stock(_: BranchContext, _: u32) -> BranchResult {
        Ok(Done)
    }
    let app = at(&place).branch("stock", stock).start().await.unwrap();
    let step = Step::new(local("stock"), "").payload("many").unwrap();
    match app.saga("g").step(step).wait_result().submit().await {
        Err(Error::StillRunning { status, .. }) => assert_eq!(status, Status::Submitted),
        other => panic!("{other:?}"),
    }
    app.stop().await.unwrap();
}
