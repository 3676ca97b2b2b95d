//! XA on two databases: a transfer from an account in MariaDB to one in PostgreSQL, and nobody writes an undo.
//!
//! Each bank does its business in a transaction that its database *prepares*: from there on the database keeps it, with its
//! locks, whatever becomes of the bank. When both are prepared the manager has both commit, otherwise both roll back.
//!
//! 1. A transfer that works.
//! 2. A transfer to an account that is closed. MariaDB had prepared, and rolls back.
//! 3. The caller dies when both are prepared. Nobody decides any more, the rows are locked, and nothing of it can be seen; after
//!    `timeout_to_fail` the manager rolls back.
//!
//! `cargo run --example xa_two_databases` needs both databases: `bash tests/services/mariadb.sh start` and
//! `bash tests/services/postgres.sh start`, or `MARIADB_URL` and `POSTGRES_URL`. It ends with exit code 0 only if every balance is
//! right and nothing stays prepared; with 77 if a database is missing.

use std::future::pending;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use dtm_barrier::BranchBarrier;
use dtm_barrier::sql::create_table;
use dtm_barrier::xa::prepared;
use dtm_client::branch::{BranchContext, BranchError, BranchOp, BranchResult};
use dtm_client::{Client, Error, Status, Xa};
use dtm_examples::{Manager, Result, Story, mariadb_url, play, postgres_url, serve};
use serde::{Deserialize, Serialize};
use sqlx::{MySqlPool, PgPool};
use tokio::sync::Notify;

#[derive(Debug, Serialize, Deserialize)]
struct Amount {
    account: i64,
    euros: i64,
}

/// Two banks, of which neither knows the other. Both commit or roll back when the manager says so.
struct Banks {
    client: Client,
    mariadb: MySqlPool,
    postgres: PgPool,
    story: Story,
}

/// The branch of bank A. Both phases come to this URL, and the second has no body: it is read where the business is.
async fn take(State(banks): State<Arc<Banks>>, barrier: BranchBarrier, body: Bytes) -> BranchResult {
    let call = barrier.context().clone();
    let business = async |connection: &mut sqlx::MySqlConnection| {
        let Amount { account, euros } = serde_json::from_slice(&body)?;
        let statement = "UPDATE xa_example SET euros = euros - ? WHERE id = ? AND euros >= ?";
        let taken = sqlx::query(statement).bind(euros).bind(account).bind(euros).execute(connection).await?;
        match taken.rows_affected() {
            0 => Err(BranchError::roll_back(format!("account {account} has less than {euros} euros"))),
            _ => Ok(()),
        }
    };
    let answer = banks.client.xa_local_transaction(barrier, &banks.mariadb, business).await;
    banks.tell("MariaDB", &call, &answer);
    answer
}

/// The branch of bank B.
async fn give(State(banks): State<Arc<Banks>>, barrier: BranchBarrier, body: Bytes) -> BranchResult {
    let call = barrier.context().clone();
    let business = async |connection: &mut sqlx::PgConnection| {
        let Amount { account, euros } = serde_json::from_slice(&body)?;
        let statement = "UPDATE xa_example SET euros = euros + $1 WHERE id = $2 AND is_open";
        let given = sqlx::query(statement).bind(euros).bind(account).execute(connection).await?;
        match given.rows_affected() {
            0 => Err(BranchError::roll_back(format!("account {account} is closed"))),
            _ => Ok(()),
        }
    };
    let answer = banks.client.xa_local_transaction(barrier, &banks.postgres, business).await;
    banks.tell("Postgres", &call, &answer);
    answer
}

/// The two calls of a transfer.
async fn call_both(
    xa: &Xa,
    url: &str,
    [from, to]: [i64; 2],
    euros: i64,
) -> std::result::Result<(), BranchError> {
    xa.call(format!("{url}/take"), &Amount { account: from, euros }).await?;
    xa.call(format!("{url}/give"), &Amount { account: to, euros }).await?;
    Ok(())
}

/// The transfer: all that its caller writes.
async fn transfer(
    client: &Client,
    gid: &str,
    url: &str,
    accounts: [i64; 2],
    euros: i64,
) -> std::result::Result<(), Error> {
    let xa = client.xa(gid).retry_interval(Duration::from_secs(1));
    xa.run(async |xa| call_both(&xa, url, accounts, euros).await).await
}

/// The same, by a caller who dies when both banks are prepared.
async fn transfer_and_die(client: &Client, gid: &str, url: &str, accounts: [i64; 2], euros: i64) -> Result {
    let both_prepared = Notify::new();
    let xa = client.xa(gid).timeout_to_fail(Duration::from_secs(1));
    let transfer = xa.run(async |xa| {
        call_both(&xa, url, accounts, euros).await?;
        both_prepared.notify_one();
        pending().await
    });
    tokio::select! {
        ended = transfer => ended.map_err(Into::into),
        () = both_prepared.notified() => Ok(()),
    }
}

impl Banks {
    async fn open(client: Client, story: Story) -> Result<Self> {
        let (mariadb, postgres) =
            (MySqlPool::connect(&mariadb_url()?).await?, PgPool::connect(&postgres_url()?).await?);
        create_table(&mariadb).await?;
        create_table(&postgres).await?;
        let table = "CREATE TABLE IF NOT EXISTS xa_example \
                     (id BIGINT AUTO_INCREMENT PRIMARY KEY, euros BIGINT NOT NULL)";
        sqlx::raw_sql(table).execute(&mariadb).await?;
        let table = "CREATE TABLE IF NOT EXISTS xa_example \
                     (id BIGSERIAL PRIMARY KEY, euros BIGINT NOT NULL, is_open BOOLEAN NOT NULL)";
        sqlx::raw_sql(table).execute(&postgres).await?;
        Ok(Self { client, mariadb, postgres, story })
    }

    fn tell(&self, who: &str, call: &BranchContext, answer: &BranchResult) {
        let what = match answer {
            Ok(_) if call.op == BranchOp::Action => "prepared".to_owned(),
            Ok(_) => "finished".to_owned(),
            Err(error) => error.to_string(),
        };
        self.story.say(who, &format!("{what}  [{} {} {}]", call.gid, call.branch_id, call.op));
    }

    /// New accounts: one in MariaDB, and two in PostgreSQL, of which the second is closed.
    async fn open_accounts(&self) -> Result<[i64; 3]> {
        let alice = "INSERT INTO xa_example (euros) VALUES (100) RETURNING id";
        let other = "INSERT INTO xa_example (euros, is_open) VALUES (20, $1) RETURNING id";
        Ok([
            sqlx::query_scalar(alice).fetch_one(&self.mariadb).await?,
            sqlx::query_scalar(other).bind(true).fetch_one(&self.postgres).await?,
            sqlx::query_scalar(other).bind(false).fetch_one(&self.postgres).await?,
        ])
    }

    /// The balances that others see.
    async fn check(&self, alice: (i64, i64), bob: (i64, i64)) -> Result {
        let of_alice = sqlx::query_scalar("SELECT euros FROM xa_example WHERE id = ?").bind(alice.0);
        let of_bob = sqlx::query_scalar("SELECT euros FROM xa_example WHERE id = $1").bind(bob.0);
        let found: (i64, i64) =
            (of_alice.fetch_one(&self.mariadb).await?, of_bob.fetch_one(&self.postgres).await?);
        self.story.check("Alice and Bob have", found, (alice.1, bob.1))
    }

    /// Checks how many branches of a transaction the databases keep, neither committed nor rolled back.
    async fn check_prepared(&self, gid: &str, expected: usize) -> Result {
        let all = prepared(&self.mariadb).await?.into_iter().chain(prepared(&self.postgres).await?);
        let count = all.filter(|it| it.gid == gid).count();
        self.story.check("prepared", count, expected)
    }
}

async fn transfers() -> Result {
    let story = Story::begin(
        "Alice has 100 euros in MariaDB. Bob has 20 in PostgreSQL, and Carol's account there is closed.",
    );
    let manager = Manager::start().await?;
    let client = Client::http(&manager.address())?;
    let banks = Arc::new(Banks::open(client.clone(), story).await?);
    let routes = Router::new().route("/take", post(take)).route("/give", post(give));
    let url = serve(routes.with_state(Arc::clone(&banks))).await?;
    let [alice, bob, carol] = banks.open_accounts().await?;

    story.act("1. Alice sends Bob 30 euros");
    // The databases outlive the manager of this example, and have to be given a name that they have not seen.
    let gid = client.new_gid().await?;
    transfer(&client, &gid, &url, [alice, bob], 30).await?;
    story.check(&gid, client.wait(&gid).await?.status, Status::Succeed)?;
    banks.check((alice, 70), (bob, 50)).await?;
    banks.check_prepared(&gid, 0).await?;

    story.act("2. Alice sends Carol 30 euros, whose account is closed");
    let gid = client.new_gid().await?;
    match transfer(&client, &gid, &url, [alice, carol], 30).await {
        Err(error @ Error::Closure { .. }) => story.say("caller", &error.to_string()),
        other => return Err(format!("expected a rollback, got {other:?}").into()),
    }
    story.check(&gid, client.wait(&gid).await?.status, Status::Failed)?;
    banks.check((alice, 70), (bob, 50)).await?;
    banks.check_prepared(&gid, 0).await?;

    story.act("3. Alice sends Bob 30 euros, and the caller dies before it can say that both are prepared");
    let gid = client.new_gid().await?;
    transfer_and_die(&client, &gid, &url, [alice, bob], 30).await?;
    story.say("caller", "dies");
    banks.check_prepared(&gid, 2).await?;
    banks.check((alice, 70), (bob, 50)).await?;
    story.check(&gid, client.wait(&gid).await?.status, Status::Failed)?;
    banks.check_prepared(&gid, 0).await?;
    banks.check((alice, 70), (bob, 50)).await?;
    manager.stop().await
}

#[tokio::main]
async fn main() -> ExitCode {
    play(transfers().await)
}
