//! A concurrent saga: what does not depend on each other runs at the same time.
//!
//! A travel agency books a flight, a hotel and a car, and then sends the invoice.
//!
//! | step | action | waits for |
//! |---|---|---|
//! | 0, 1, 2 | flight, hotel, car | nothing |
//! | 3 | invoice | all three |
//!
//! 1. A trip that works. Each of the three answers only when all three were called: one after the other, it would never end.
//! 2. A trip whose hotel is full. What was booked is cancelled, and no invoice was ever sent.
//!
//! `cargo run --example concurrent_saga` needs nothing but Rust, and ends with exit code 0 only if that is what happened.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use dtm_client::branch::{BranchContext, BranchError, BranchResult, Done};
use dtm_client::{Client, Error, Saga, Status, Step};
use dtm_examples::{Manager, Result, Story, play, serve};
use tokio::sync::Barrier;

/// The services of everybody. A set forgets nothing and counts nothing twice, so a repeated call does no harm.
#[derive(Clone)]
struct Services {
    story: Story,
    booked: Arc<Mutex<BTreeSet<String>>>,
    /// Opens when all three were called.
    all_three: Arc<Barrier>,
}

impl Services {
    fn booked<T>(&self, look: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
        look(&mut self.booked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn book(
    State(services): State<Services>,
    Path(what): Path<String>,
    call: BranchContext,
) -> BranchResult {
    services.story.say(&what, &format!("asked  [{} {} {}]", call.gid, call.branch_id, call.op));
    if what != "invoice" {
        services.all_three.wait().await;
    }
    if what == "hotel" && call.gid == "trip-2" {
        services.story.say(&what, "full");
        return Err(BranchError::roll_back("the hotel is full"));
    }
    services.booked(|booked| booked.insert(format!("{} {what}", call.gid)));
    services.story.say(&what, "booked");
    Ok(Done)
}

async fn cancel(
    State(services): State<Services>,
    Path(what): Path<String>,
    call: BranchContext,
) -> BranchResult {
    let was_booked = services.booked(|booked| booked.remove(&format!("{} {what}", call.gid)));
    services.story.say(&what, if was_booked { "cancelled" } else { "nothing to cancel" });
    Ok(Done)
}

/// The saga: all that the agency writes.
fn trip(client: &Client, gid: &str, services: &str) -> Saga {
    let step = |what: &str| Step::new(format!("{services}/book/{what}"), format!("{services}/cancel/{what}"));
    client
        .saga(gid)
        .step(step("flight"))
        .step(step("hotel"))
        .step(step("car"))
        .step(step("invoice"))
        .order(3, [0, 1, 2])
        .wait_result()
}

async fn journeys() -> Result {
    let story =
        Story::begin("Flight, hotel and car at the same time, and the invoice when all of them are booked.");
    let services = Services { story, booked: Arc::default(), all_three: Arc::new(Barrier::new(3)) };
    let routes = Router::new().route("/book/{what}", post(book)).route("/cancel/{what}", post(cancel));
    let url = serve(routes.with_state(services.clone())).await?;
    let manager = Manager::start().await?;
    let client = Client::http(&manager.address())?;

    story.act("1. A trip that works");
    let receipt = trip(&client, "trip-1", &url).submit().await?;
    story.check("trip-1", receipt.status, Status::Succeed)?;
    let all = ["trip-1 car", "trip-1 flight", "trip-1 hotel", "trip-1 invoice"];
    story.check(
        "booked",
        services.booked(|booked| booked.iter().cloned().collect::<Vec<_>>()),
        all.map(str::to_owned).into(),
    )?;

    story.act("2. A trip whose hotel is full");
    match trip(&client, "trip-2", &url).submit().await {
        Err(Error::RolledBack { reason, .. }) => story.say("agency", &format!("rolled back: {reason}")),
        other => return Err(format!("expected a rollback, got {other:?}").into()),
    }
    let of_second = services.booked(|booked| booked.iter().filter(|what| what.starts_with("trip-2")).count());
    story.check("bookings of trip-2", of_second, 0)?;
    manager.stop().await
}

#[tokio::main]
async fn main() -> ExitCode {
    play(journeys().await)
}
