//! Quick start: money moves between two banks, and nothing that goes wrong on the way can lose any of it.
//!
//! Alice has 100.00 at bank A, Bob has 20.00 at bank B. The banks are two services with two databases, so no
//! database transaction spans both. A transfer is a *saga* of two steps, each with a way back:
//!
//! | step | action | compensation |
//! |---|---|---|
//! | 01 | bank A takes the money from the payer | bank A gives it back |
//! | 02 | bank B gives it to the payee | bank B takes it back |
//!
//! 1. A transfer that works.
//! 2. A transfer that bank B refuses. The money that bank A has taken already is given back.
//! 3. A transfer during which the transaction manager is killed (`kill -9`) after bank B has booked and
//!    before its answer has arrived. Nobody knows what happened. The manager is started again on the same
//!    folder, asks bank B again, and the money arrives once.
//!
//! `cargo run --release --example quickstart` needs nothing but Rust, chooses free ports, writes into a
//! temporary folder, and ends with exit code 0 only if every balance is right.
//!
//! Where to look: the saga is in [`transfer`], a service in `quickstart/bank.rs`, and what makes a service safe against
//! repeated and late calls is the barrier (the crate `dtm-barrier`) in its function `book`.

use std::error::Error;
use std::process::ExitCode;

use dtm_client::{Client, Retry, Saga, Step};

use crate::bank::{Bank, Transfer};
use crate::server::ServerProcess;
use crate::timeline::{Money, Timeline};

#[path = "quickstart/bank.rs"]
mod bank;
#[path = "quickstart/server.rs"]
mod server;
#[path = "quickstart/timeline.rs"]
mod timeline;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The saga: which service to call, and how to undo it. This is all that the caller of a transfer writes.
fn transfer(client: &Client, gid: &str, banks: &Banks, order: &Transfer) -> Result<Saga> {
    let (a, b) = (banks.a.url(), banks.b.url());
    Ok(client
        .saga(gid)
        .step(Step::new(format!("{a}/take"), format!("{a}/take-undo")).payload(order)?)
        .step(Step::new(format!("{b}/give"), format!("{b}/give-undo")).payload(order)?)
        .wait_result())
}

/// Act 1: both banks agree.
async fn a_transfer_that_works(stage: &Stage, client: &Client) -> Result {
    stage.timeline.act("1. Alice sends Bob 30.00");
    let order = Transfer::new("alice", "bob", Money::euros(30));
    let receipt = transfer(client, "transfer-1", &stage.banks, &order)?.submit().await?;
    stage.timeline.say("client", &format!("{}: {}", receipt.gid, receipt.status));
    stage.expect_balances(Money::euros(70), Money::euros(50)).await
}

/// Act 2: bank A has taken the money when bank B refuses.
async fn a_transfer_that_is_undone(stage: &Stage, client: &Client) -> Result {
    stage.timeline.act("2. Alice sends Carol 30.00, but bank B knows no Carol");
    let order = Transfer::new("alice", "carol", Money::euros(30));
    match transfer(client, "transfer-2", &stage.banks, &order)?.submit().await {
        Err(dtm_client::Error::RolledBack { gid, reason }) => {
            stage.timeline.say("client", &format!("{gid} was rolled back: {reason}"));
        }
        other => return Err(format!("expected a rollback, got {other:?}").into()),
    }
    stage.expect_balances(Money::euros(70), Money::euros(50)).await
}

/// Act 3: the transaction manager dies at the worst moment.
async fn a_transfer_that_survives_a_kill(stage: &Stage) -> Result {
    stage.timeline.act("3. Alice sends Bob 10.00, and the transaction manager is killed half-way");
    let order = Transfer::new("alice", "bob", Money::euros(10));
    let manager = ServerProcess::start(&stage.manager_folder()).await?;
    // Usually the client asks again by itself. Here we want to see what it would tell us.
    let client = Client::builder(manager.address()).retry(Retry::never()).build()?;
    let saga = transfer(&client, "transfer-3", &stage.banks, &order)?;

    let booked = stage.banks.b.withhold_next_answer();
    let kill = async {
        booked.await?;
        stage.timeline.say("story", "bank B has booked, its answer is still on the way: kill -9");
        manager.kill().await
    };
    let (submitted, killed) = tokio::join!(saga.submit(), kill);
    killed?;
    match submitted {
        Err(error @ dtm_client::Error::Unknown { .. }) => stage.timeline.say("client", &error.to_string()),
        other => return Err(format!("expected that nobody knows, got {other:?}").into()),
    }

    stage.timeline.say("story", "the manager is started again, on the same folder");
    let manager = ServerProcess::start(&stage.manager_folder()).await?;
    let client = Client::http(manager.address())?;
    // Same gid, same content: this does not start a second transfer. It waits for the end of the first.
    let receipt = transfer(&client, "transfer-3", &stage.banks, &order)?.submit().await?;
    stage.timeline.say("client", &format!("{}: {}", receipt.gid, receipt.status));
    manager.kill().await?;
    stage.expect_balances(Money::euros(60), Money::euros(60)).await
}

/// The two services.
struct Banks {
    a: Bank,
    b: Bank,
}

/// Everything that the three acts share.
struct Stage {
    folder: tempfile::TempDir,
    banks: Banks,
    timeline: Timeline,
}

impl Stage {
    async fn set_up() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let timeline = Timeline::start();
        let banks = Banks {
            a: Bank::open("bank A", folder.path(), ("alice", Money::euros(100)), timeline).await?,
            b: Bank::open("bank B", folder.path(), ("bob", Money::euros(20)), timeline).await?,
        };
        Ok(Self { folder, banks, timeline })
    }

    fn manager_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("manager")
    }

    async fn expect_balances(&self, alice: Money, bob: Money) -> Result {
        let found = (self.banks.a.balance("alice").await?, self.banks.b.balance("bob").await?);
        self.timeline.say("balances", &format!("alice {}, bob {}", found.0, found.1));
        if found == (alice, bob) {
            return Ok(());
        }
        Err(format!("wrong balances: expected alice {alice}, bob {bob}").into())
    }
}

async fn play() -> Result {
    println!("Alice has 100.00 at bank A, Bob has 20.00 at bank B. Two services, two databases.");
    let stage = Stage::set_up().await?;
    // The transaction manager can run inside any program; in production it is a process of its own.
    let manager = server::in_process(stage.manager_folder()).await?;
    let client = Client::http(&server::address_of(&manager))?;
    a_transfer_that_works(&stage, &client).await?;
    a_transfer_that_is_undone(&stage, &client).await?;
    manager.stop().await?;
    a_transfer_that_survives_a_kill(&stage).await
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let outcome = match arguments.next() {
        // Act 3 starts this program again as the transaction manager, to have a process to kill.
        Some(word) if word == server::CHILD => server::run_child(arguments.next().map(Into::into)).await,
        Some(_) => Err("the quick start takes no arguments".into()),
        None => play().await.inspect(|()| println!("\nAll balances are right.")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe quick start failed: {error}");
            ExitCode::FAILURE
        }
    }
}
