//! A workflow inside the application: no server, no callback that listens, and the function goes on where it stopped.
//!
//! A travel agency books a flight and charges the customer, in two databases. The booking is an async function of two steps,
//! `dtm-workflow` records what they return, and the coordinator that keeps the records runs in the agency itself.
//!
//! 1. A journey that works.
//! 2. A journey that the customer cannot pay. The seat is given back.
//! 3. The agency dies after the flight has been booked. When it starts again, the coordinator calls the function by itself: the
//!    flight is not booked twice, because its step is recorded, and the customer is charged.
//!
//! `cargo run --example embedded_workflow` needs nothing but Rust, and ends with exit code 0 only if every number is right.

use std::future::pending;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use dtm_barrier::{BranchBarrier, BranchError};
use dtm_client::{Client, Status};
use dtm_examples::{Result, Story, database, play};
use dtm_server::config::StoreConfig;
use dtm_server::embedded::{Embedded, local};
use dtm_workflow::{Error, Workflow, Workflows};
use sqlx::SqlitePool;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

#[derive(Clone)]
struct Agency {
    seats: SqlitePool,
    money: SqlitePool,
    story: Story,
    /// Act 3: told when the customer is to be charged, and then nothing goes on.
    dying: Option<Arc<Notify>>,
}

/// The whole transaction: what follows from what, and what undoes it.
async fn journey(agency: Agency, wf: Workflow, euros: i64) -> std::result::Result<i64, BranchError> {
    let (book, give_back) = (agency.clone(), agency.clone());
    let seat = wf
        .branch()
        .named("flight")
        .on_rollback(async move |barrier| give_back.change_seats(barrier, 1).await.map(|_| ()))
        .run(async move |barrier| book.change_seats(barrier, -1).await)
        .await?;
    wf.branch().named("charge").run(async move |barrier| agency.charge(barrier, euros).await).await?;
    Ok(seat)
}

impl Agency {
    /// The number of the seat. The barrier and the change are one transaction of the database: repeated, it changes nothing.
    async fn change_seats(
        &self,
        mut barrier: BranchBarrier,
        by: i64,
    ) -> std::result::Result<i64, BranchError> {
        let called = barrier.call(&self.seats, async |connection| {
            sqlx::query("UPDATE flight SET free = free + ?").bind(by).execute(connection).await?;
            Ok(())
        });
        let did = called.await?.ran().is_some();
        self.story.say("flight", &format!("{by:+} seats{}", if did { "" } else { ": done before" }));
        Ok(sqlx::query_scalar("SELECT free FROM flight").fetch_one(&self.seats).await?)
    }

    async fn charge(&self, mut barrier: BranchBarrier, euros: i64) -> std::result::Result<(), BranchError> {
        if let Some(dying) = &self.dying {
            dying.notify_one();
            pending::<()>().await;
        }
        let called = barrier.call(&self.money, async |connection| {
            let taken = sqlx::query("UPDATE customer SET euros = euros - ? WHERE euros >= ?")
                .bind(euros)
                .bind(euros)
                .execute(connection)
                .await?; // any error: the step is run again later
            if taken.rows_affected() == 0 {
                return Err(BranchError::roll_back(format!("there are less than {euros} euros")));
            }
            Ok(())
        });
        called.await?;
        self.story.say("money", &format!("-{euros} euros"));
        Ok(())
    }

    async fn open(folder: &Path, story: Story, dying: Option<Arc<Notify>>) -> Result<Office> {
        let flight = "CREATE TABLE flight (free INTEGER NOT NULL); INSERT INTO flight VALUES (10);";
        let customer = "CREATE TABLE customer (euros INTEGER NOT NULL); INSERT INTO customer VALUES (500);";
        let agency = Self {
            seats: database(&folder.join("flights"), flight).await?,
            money: database(&folder.join("customers"), customer).await?,
            story,
            dying,
        };
        let builder = Embedded::builder(StoreConfig::sled(folder.join("coordinator")));
        let (client, own) = (builder.client()?, agency.clone());
        let workflows = Workflows::builder(client.clone(), local("workflow"))
            .retry_interval(Duration::from_secs(1))
            .register("journey", move |wf, euros: i64| journey(own.clone(), wf, euros))
            .build()?;
        let coordinator = builder.workflows("workflow", workflows.clone()).start().await?;
        Ok(Office { agency, client, workflows, coordinator })
    }
}

/// The agency when it is open.
struct Office {
    agency: Agency,
    client: Client,
    workflows: Workflows,
    coordinator: Embedded,
}

impl Office {
    async fn check(&self, seats: i64, euros: i64) -> Result {
        let found: (i64, i64) = (
            sqlx::query_scalar("SELECT free FROM flight").fetch_one(&self.agency.seats).await?,
            sqlx::query_scalar("SELECT euros FROM customer").fetch_one(&self.agency.money).await?,
        );
        self.agency.story.check("seats and euros", found, (seats, euros))
    }
}

async fn first_day(folder: &Path, story: Story) -> Result {
    let office = Agency::open(folder, story, None).await?;
    story.act("1. A journey for 200 euros");
    let seat: i64 = office.workflows.execute("journey", "journey-1", &200_i64).await?;
    story.say("agency", &format!("booked, {seat} seats are left"));
    office.check(9, 300).await?;

    story.act("2. A journey for 400 euros, and there are only 300");
    match office.workflows.execute::<_, i64>("journey", "journey-2", &400_i64).await {
        Err(error @ Error::RolledBack { .. }) => story.say("agency", &error.to_string()),
        other => return Err(format!("expected a rollback, got {other:?}").into()),
    }
    office.check(9, 300).await?;
    Ok(office.coordinator.stop().await?)
}

/// Ends when the flight is booked; whoever runs it then ends everything else.
async fn day_of_the_crash(folder: &Path, story: Story) -> Result<Embedded> {
    story.act("3. A journey for 100 euros, and the agency dies on the way");
    let dying = Arc::new(Notify::new());
    let office = Agency::open(folder, story, Some(Arc::clone(&dying))).await?;
    tokio::select! {
        result = office.workflows.execute::<_, i64>("journey", "journey-3", &100_i64) => {
            Err(format!("nobody should know yet: {result:?}").into())
        }
        () = dying.notified() => {
            story.say("story", "the flight is booked, nothing is charged: the agency dies");
            Ok(office.coordinator)
        }
    }
}

async fn day_after(folder: &Path, story: Story) -> Result {
    story.say("story", "the agency starts again, on the same folders, and nobody asks for anything");
    let office = Agency::open(folder, story, None).await?;
    story.check("journey-3", office.client.wait("journey-3").await?.status, Status::Succeed)?;
    let seat: i64 = office.workflows.execute("journey", "journey-3", &100_i64).await?;
    story.say("agency", &format!("booked, {seat} seats are left: the recorded result"));
    office.check(8, 200).await?;
    Ok(office.coordinator.stop().await?)
}

fn main() -> ExitCode {
    let story =
        Story::begin("A flight with 10 seats, and a customer with 500 euros. Two databases, one process.");
    let days = || -> Result {
        let folder = tempfile::tempdir()?;
        Runtime::new()?.block_on(first_day(folder.path(), story))?;
        let runtime = Runtime::new()?;
        let dying = runtime.block_on(day_of_the_crash(folder.path(), story))?;
        drop(runtime); // every task ends where it stands, and nobody says good-bye
        drop(dying);
        Runtime::new()?.block_on(day_after(folder.path(), story))
    };
    play(days())
}
