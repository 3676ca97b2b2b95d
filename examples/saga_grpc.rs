//! A saga over gRPC: the client, the manager and the banks talk nothing else, and a bank is an ordinary service of tonic.
//!
//! Its service comes from a `.proto` file, as always. What makes it a branch is one line: `BranchBarrier::from_grpc` reads
//! from the metadata which call this is, and `?` turns what the barrier says into a status.
//!
//! | the bank says | status | the manager |
//! |---|---|---|
//! | done | `OK` | goes on |
//! | no, and I changed nothing | `ABORTED` | undoes the saga |
//! | anything else, or nothing at all | any other | asks again |
//!
//! 1. A transfer that works.
//! 2. A transfer to an account that is closed. The money comes back.
//! 3. A transfer whose first answer gets lost: the money is gone, and nobody knows. The manager asks again, and it is not
//!    taken twice.
//!
//! `cargo run --example saga_grpc` needs nothing but Rust, and ends with exit code 0 only if every balance is right.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bank::Amount;
use bank::bank_server::BankServer;
use dtm_barrier::{BranchBarrier, BranchError};
use dtm_client::{Client, Error, Payload, Saga, Step};
use dtm_examples::{Manager, Result, Story, database, play};
use sqlx::SqlitePool;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// What `tonic-prost-build` makes of `saga_grpc/bank.proto`. In a program of your own: `tonic::include_proto!("bank")`.
#[expect(
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
mod bank {
    include!("saga_grpc/gen/bank.rs");
}

/// A bank with a database of its own.
struct Bank {
    name: &'static str,
    accounts: SqlitePool,
    story: Story,
    /// Whether the next answer gets lost.
    loses_answer: AtomicBool,
}

type Answer = std::result::Result<Response<()>, Status>;

impl Bank {
    /// Executes one statement behind the barrier: once, however often the call comes. No row changed means "no".
    async fn change(&self, request: Request<Amount>, statement: &'static str) -> Answer {
        let mut barrier = BranchBarrier::from_grpc(&request)?;
        let call = barrier.context().clone();
        let Amount { account, euros } = request.into_inner();
        let called = barrier.call(&self.accounts, async |connection| {
            let changed = sqlx::query(statement).bind(euros).bind(&account).execute(connection).await?;
            if changed.rows_affected() == 0 {
                return Err(BranchError::roll_back(format!("{}: not with {account}", self.name)));
            }
            Ok(())
        });
        let did = called.await.inspect_err(|error| self.story.say(self.name, &error.to_string()))?.ran();
        let what =
            did.map_or("nothing to do (any more)".to_owned(), |()| format!("{euros} euros of {account}"));
        self.story.say(self.name, &format!("{what}  [{} {} {}]", call.gid, call.branch_id, call.op));
        if self.loses_answer.swap(false, Ordering::SeqCst) {
            self.story.say(self.name, "the answer gets lost");
            return Err(Status::unavailable("connection reset"));
        }
        Ok(Response::new(()))
    }

    /// Serves on a free port until the example ends; what the URLs of its branches begin with.
    async fn serve(self) -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = Server::builder().add_service(BankServer::new(self));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Ok(format!("{address}/bank.Bank"))
    }
}

#[tonic::async_trait]
impl bank::bank_server::Bank for Bank {
    async fn withdraw(&self, amount: Request<Amount>) -> Answer {
        self.change(amount, "UPDATE account SET euros = euros - ?1 WHERE name = ?2 AND euros >= ?1").await
    }

    async fn undo_withdraw(&self, amount: Request<Amount>) -> Answer {
        self.change(amount, "UPDATE account SET euros = euros + ?1 WHERE name = ?2").await
    }

    async fn deposit(&self, amount: Request<Amount>) -> Answer {
        self.change(amount, "UPDATE account SET euros = euros + ?1 WHERE name = ?2 AND is_open").await
    }

    async fn undo_deposit(&self, amount: Request<Amount>) -> Answer {
        self.change(amount, "UPDATE account SET euros = euros - ?1 WHERE name = ?2").await
    }
}

/// The saga: all that its caller writes. A branch is `HOST:PORT/package.Service/Method`, and its payload a message.
fn transfer(client: &Client, gid: &str, [a, b]: &[String; 2], to: &str, euros: i64) -> Saga {
    let amount = |account: &str| Payload::message(&Amount { account: account.to_owned(), euros });
    let withdraw = Step::new(format!("{a}/Withdraw"), format!("{a}/UndoWithdraw"));
    let deposit = Step::new(format!("{b}/Deposit"), format!("{b}/UndoDeposit"));
    client
        .saga(gid)
        .step(withdraw.raw_payload(amount("alice")))
        .step(deposit.raw_payload(amount(to)))
        .retry_interval(Duration::from_secs(1))
        .wait_result()
}

async fn transfers() -> Result {
    let story =
        Story::begin("Alice has 100 euros at bank A. Bob's account at bank B is open, Carol's is closed.");
    let folder = tempfile::tempdir()?;
    let table = "CREATE TABLE account (name TEXT PRIMARY KEY, euros INTEGER, is_open INTEGER); \
                 INSERT INTO account VALUES ('alice', 100, 1), ('bob', 20, 1), ('carol', 0, 0);";
    let open = async |name| database(&folder.path().join(name), table).await;
    let (a, b) = (open("a").await?, open("b").await?);
    let bank = |name, accounts: &SqlitePool, loses_answer| {
        let (accounts, loses_answer) = (accounts.clone(), AtomicBool::new(loses_answer));
        Bank { name, accounts, story, loses_answer }.serve()
    };
    let banks = [bank("bank A", &a, false).await?, bank("bank B", &b, false).await?];
    let manager = Manager::start().await?;
    // gRPC has no method that asks how a transaction stands, so that goes over HTTP.
    let client = Client::grpc_builder(&manager.grpc_address()).query_address(&manager.address()).build()?;
    let check = async |alice: i64, bob: i64| -> Result {
        let select = "SELECT euros FROM account WHERE name = ?";
        let found: (i64, i64) = (
            sqlx::query_scalar(select).bind("alice").fetch_one(&a).await?,
            sqlx::query_scalar(select).bind("bob").fetch_one(&b).await?,
        );
        story.check("Alice and Bob have", found, (alice, bob))
    };

    story.act("1. Alice sends Bob 30 euros");
    transfer(&client, "transfer-1", &banks, "bob", 30).submit().await?;
    check(70, 50).await?;

    story.act("2. Alice sends Carol 30 euros, whose account is closed");
    match transfer(&client, "transfer-2", &banks, "carol", 30).submit().await {
        Err(error @ Error::RolledBack { .. }) => story.say("client", &error.to_string()),
        other => return Err(format!("expected a rollback, got {other:?}").into()),
    }
    check(70, 50).await?;

    story.act("3. Alice sends Bob 30 euros, and the answer of bank A gets lost");
    let banks = [bank("bank A", &a, true).await?, banks[1].clone()];
    match transfer(&client, "transfer-3", &banks, "bob", 30).submit().await {
        Err(error @ Error::StillRunning { .. }) => story.say("client", &error.to_string()),
        other => return Err(format!("expected that it goes on, got {other:?}").into()),
    }
    story.say("client", &format!("{}", client.wait("transfer-3").await?.status));
    check(40, 80).await?;
    manager.stop().await
}

#[tokio::main]
async fn main() -> ExitCode {
    play(transfers().await)
}
