//! Nested TCC: a try that has branches of its own.
//!
//! A customer books a trip at an agency, and pays. The airline and the hotel are known to the agency alone: its try reserves
//! there, as branches *below itself* in the customer's transaction.
//!
//! | branch | who | its try is called by |
//! |---|---|---|
//! | `01` | the agency | the customer |
//! | `0101` | the airline | the agency, inside its own try |
//! | `0102` | the hotel | the agency, inside its own try |
//! | `02` | the card | the customer |
//!
//! In a transaction of its own the agency would have to confirm before it knows whether the customer pays. In none, a seat would
//! stay reserved for ever when the agency dies at the wrong moment. So it registers what it does, and submits nothing.
//!
//! 1. A trip that works. All four are confirmed.
//! 2. The hotel is full. The seat is given back, and the customer hears why.
//! 3. The card is declined. Seat and room are given back, although the agency had said yes.
//! 4. The agency fails between the seat and the room. The customer has never heard of the seat, and it is given back.
//!
//! `cargo run --example tcc_nested` needs nothing but Rust, and ends with exit code 0 only if nothing stays reserved.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use dtm_barrier::BranchBarrier;
use dtm_client::branch::{BranchContext, BranchError, BranchOp, BranchResult, Done};
use dtm_client::{CallError, Client, Error, Reply, Status, Tcc};
use dtm_examples::{Manager, Result, Story, database, play, serve};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;

/// Whoever has something to give: the airline seats, the hotel rooms, the card euros.
#[derive(Clone)]
struct Stock {
    name: &'static str,
    things: SqlitePool,
    story: Story,
}

/// All three phases of a stock: held, then taken or given back.
async fn hold(State(stock): State<Stock>, call: BranchContext, Json(count): Json<i64>) -> BranchResult {
    let (what, statement) = match call.op {
        BranchOp::Try => ("hold", "UPDATE stock SET free = free - ?1, held = held + ?1 WHERE free >= ?1"),
        BranchOp::Confirm => ("take", "UPDATE stock SET held = held - ?1, taken = taken + ?1"),
        _ => ("give back", "UPDATE stock SET held = held - ?1, free = free + ?1"),
    };
    let mut barrier = BranchBarrier::try_from(call.clone())?;
    let called = barrier.call(&stock.things, async |connection| {
        let changed = sqlx::query(statement).bind(count).execute(connection).await?;
        if changed.rows_affected() == 0 {
            return Err(BranchError::roll_back(format!("the {} has no {count} left", stock.name)));
        }
        Ok(())
    });
    let did = called.await.inspect_err(|error| stock.story.say(stock.name, &error.to_string()))?.ran();
    let what = did.map_or("nothing to do".to_owned(), |()| format!("{what} {count}"));
    stock.story.say(stock.name, &format!("{what}  [{} {} {}]", call.gid, call.branch_id, call.op));
    Ok(Done)
}

/// A branch whose three phases have one URL.
async fn book(tcc: &Tcc, url: &str, count: i64) -> std::result::Result<Reply, CallError> {
    tcc.branch(url).confirm(url).cancel(url).call(&count).await
}

#[derive(Clone, Serialize, Deserialize)]
struct Trip {
    seats: i64,
    rooms: i64,
}

#[derive(Clone)]
struct Agency {
    client: Client,
    airline: String,
    hotel: String,
    story: Story,
    fails: Arc<AtomicBool>,
}

/// The agency's try: it has nothing of its own to confirm or to cancel.
async fn arrange(State(agency): State<Agency>, call: BranchContext, Json(trip): Json<Trip>) -> BranchResult {
    let tcc = Tcc::from_branch(&agency.client, &call)?;
    book(&tcc, &agency.airline, trip.seats).await.map_err(CallError::into_branch_error)?;
    if agency.fails.swap(false, Ordering::SeqCst) {
        agency.story.say("agency", "fails");
        Err(std::io::Error::other("the agency is broken"))?;
    }
    book(&tcc, &agency.hotel, trip.rooms).await.map_err(CallError::into_branch_error)?;
    Ok(Done)
}

struct World {
    story: Story,
    client: Client,
    stocks: [Stock; 3],
    agency: String,
    card: String,
    agency_fails: Arc<AtomicBool>,
}

impl World {
    /// All that the customer writes.
    async fn travel(&self, gid: &str, trip: Trip, euros: i64) -> std::result::Result<(), Error> {
        let tcc = self.client.tcc(gid).wait_result();
        tcc.run(async |tcc| {
            tcc.branch(&self.agency).call(&trip).await?;
            book(&tcc, &self.card, euros).await?;
            Ok(())
        })
        .await
    }

    /// A trip that does not take place.
    async fn fail_to_travel(&self, gid: &str, trip: Trip, euros: i64) -> Result {
        match self.travel(gid, trip, euros).await {
            Err(error @ Error::Closure { .. }) => self.story.say("customer", &error.to_string()),
            other => return Err(format!("expected a rollback, got {other:?}").into()),
        }
        self.story.check(gid, self.client.wait(gid).await?.status, Status::Failed)
    }

    /// How many are free, held and taken at the airline, the hotel and the card.
    async fn check(&self, expected: [(i64, i64, i64); 3]) -> Result {
        for (stock, expected) in self.stocks.iter().zip(expected) {
            let found =
                sqlx::query_as("SELECT free, held, taken FROM stock").fetch_one(&stock.things).await?;
            self.story.check(&format!("free, held and taken at the {}", stock.name), found, expected)?;
        }
        Ok(())
    }
}

async fn trips() -> Result {
    let story = Story::begin("10 seats, 2 rooms, and a card with 500 euros.");
    let folder = tempfile::tempdir()?;
    let open = async |name: &'static str, table| -> Result<(Stock, String)> {
        let stock = Stock { name, things: database(&folder.path().join(name), table).await?, story };
        let url = serve(Router::new().route("/hold", post(hold)).with_state(stock.clone())).await?;
        Ok((stock, format!("{url}/hold")))
    };
    let (seats, airline) =
        open("airline", "CREATE TABLE stock AS SELECT 10 AS free, 0 AS held, 0 AS taken;").await?;
    let (rooms, hotel) =
        open("hotel", "CREATE TABLE stock AS SELECT 2 AS free, 0 AS held, 0 AS taken;").await?;
    let (euros, card) =
        open("card", "CREATE TABLE stock AS SELECT 500 AS free, 0 AS held, 0 AS taken;").await?;
    let manager = Manager::start().await?;
    let client = Client::http(&manager.address())?;
    let agency_fails = Arc::new(AtomicBool::new(false));
    let agency = Agency { client: client.clone(), airline, hotel, story, fails: Arc::clone(&agency_fails) };
    let agency = serve(Router::new().route("/arrange", post(arrange)).with_state(agency)).await?;
    let agency = format!("{agency}/arrange");
    let world = World { story, client, stocks: [seats, rooms, euros], agency, card, agency_fails };

    story.act("1. A trip for two");
    world.travel("trip-1", Trip { seats: 2, rooms: 1 }, 300).await?;
    let after = [(8, 0, 2), (1, 0, 1), (200, 0, 300)];
    world.check(after).await?;

    story.act("2. A trip that needs two rooms, and there is one");
    world.fail_to_travel("trip-2", Trip { seats: 4, rooms: 2 }, 100).await?;
    world.check(after).await?;

    story.act("3. A trip for 300 euros, and the card has 200");
    world.fail_to_travel("trip-3", Trip { seats: 2, rooms: 1 }, 300).await?;
    world.check(after).await?;

    story.act("4. The agency fails on the way");
    world.agency_fails.store(true, Ordering::SeqCst);
    world.fail_to_travel("trip-4", Trip { seats: 2, rooms: 1 }, 100).await?;
    world.check(after).await?;
    manager.stop().await
}

#[tokio::main]
async fn main() -> ExitCode {
    play(trips().await)
}
