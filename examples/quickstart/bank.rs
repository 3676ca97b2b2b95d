//! A bank: a service with a database of its own. It knows nothing of the other bank.

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use dtm_barrier::sql::create_table;
use dtm_barrier::{BranchBarrier, BranchContext, BranchError, BranchOp, BranchResult, Called, Done};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{SqliteConnection, SqlitePool};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::timeline::{Money, Timeline};

/// The payload of both steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Transfer {
    from: String,
    to: String,
    amount: Money,
}

impl Transfer {
    pub(crate) fn new(from: &str, to: &str, amount: Money) -> Self {
        Self { from: from.to_owned(), to: to.to_owned(), amount }
    }
}

/// One bank, open for calls.
pub(crate) struct Bank {
    address: SocketAddr,
    counter: Arc<Counter>,
}

/// What the handlers of one bank share.
struct Counter {
    name: &'static str,
    database: SqlitePool,
    timeline: Timeline,
    withhold: Mutex<Option<oneshot::Sender<()>>>,
}

impl Bank {
    /// Opens a bank with one account on a port that is free.
    pub(crate) async fn open(
        name: &'static str,
        folder: &Path,
        (owner, balance): (&str, Money),
        timeline: Timeline,
    ) -> crate::Result<Self> {
        let file = SqliteConnectOptions::new().filename(folder.join(name)).create_if_missing(true);
        let database = SqlitePoolOptions::new().max_connections(1).connect_with(file).await?;
        sqlx::query("CREATE TABLE account (name TEXT PRIMARY KEY, cents INTEGER NOT NULL)")
            .execute(&database)
            .await?;
        create_table(&database).await?;
        sqlx::query("INSERT INTO account (name, cents) VALUES (?, ?)")
            .bind(owner)
            .bind(balance.cents())
            .execute(&database)
            .await?;

        let counter = Arc::new(Counter { name, database, timeline, withhold: Mutex::new(None) });
        let routes = Router::new()
            .route("/take", post(take))
            .route("/take-undo", post(take_undo))
            .route("/give", post(give))
            .route("/give-undo", post(give_undo))
            .with_state(Arc::clone(&counter));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(Self { address, counter })
    }

    /// Where the bank is called.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is on an account now.
    pub(crate) async fn balance(&self, account: &str) -> crate::Result<Money> {
        let cents = sqlx::query_scalar("SELECT cents FROM account WHERE name = ?")
            .bind(account)
            .fetch_one(&self.counter.database)
            .await?;
        Ok(Money::from_cents(cents))
    }

    /// Lets the next call be booked and its answer never be sent. The receiver hears of the booking.
    pub(crate) fn withhold_next_answer(&self) -> oneshot::Receiver<()> {
        let (booked, receiver) = oneshot::channel();
        *self.counter.withhold.lock().unwrap_or_else(PoisonError::into_inner) = Some(booked);
        receiver
    }
}

async fn take(
    bank: State<Arc<Counter>>,
    barrier: BranchBarrier,
    Json(order): Json<Transfer>,
) -> BranchResult {
    bank.book(barrier, "take", &order.from, Money::from_cents(-order.amount.cents())).await
}

async fn take_undo(
    bank: State<Arc<Counter>>,
    barrier: BranchBarrier,
    Json(order): Json<Transfer>,
) -> BranchResult {
    bank.book(barrier, "give back", &order.from, order.amount).await
}

async fn give(
    bank: State<Arc<Counter>>,
    barrier: BranchBarrier,
    Json(order): Json<Transfer>,
) -> BranchResult {
    bank.book(barrier, "give", &order.to, order.amount).await
}

async fn give_undo(
    bank: State<Arc<Counter>>,
    barrier: BranchBarrier,
    Json(order): Json<Transfer>,
) -> BranchResult {
    bank.book(barrier, "take back", &order.to, Money::from_cents(-order.amount.cents())).await
}

impl Counter {
    /// Books once, however often it is called. Every `?` means "ask me again later".
    ///
    /// The barrier runs the closure in a database transaction, unless this call came before, or its compensation did. What
    /// the closure did is committed together with the row that remembers the call; when it says "no", neither is.
    async fn book(
        &self,
        mut barrier: BranchBarrier,
        verb: &str,
        account: &str,
        change: Money,
    ) -> BranchResult {
        let call = barrier.context().clone();
        let booked = barrier
            .call(&self.database, async |connection| move_money(connection, call.op, account, change).await)
            .await
            .inspect_err(|refusal| self.tell(&call, &format!("{verb}: {refusal}")))?;
        let what = match booked {
            Called::Ran(()) => {
                format!("{verb} {}, account {account}", Money::from_cents(change.cents().abs()))
            }
            Called::NothingToDo(_) => format!("{verb}: nothing to do (any more)"),
        };
        self.tell(&call, &what);
        self.maybe_withhold().await;
        Ok(Done)
    }

    fn tell(&self, call: &BranchContext, what: &str) {
        self.timeline.say(self.name, &format!("{what}  [{} {} {}]", call.gid, call.branch_id, call.op));
    }

    async fn maybe_withhold(&self) {
        let booked = self.withhold.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(booked) = booked
            && booked.send(()).is_ok()
        {
            pending::<()>().await;
        }
    }
}

/// Only an action may say "no". A compensation has to work in the end, even if Bob has spent the money: then
/// he owes it.
async fn move_money(
    transaction: &mut SqliteConnection,
    op: BranchOp,
    account: &str,
    change: Money,
) -> Result<(), BranchError> {
    let balance: Option<i64> = sqlx::query_scalar("SELECT cents FROM account WHERE name = ?")
        .bind(account)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(balance) = balance else {
        return Err(BranchError::roll_back(format!("there is no account '{account}'")));
    };
    if op == BranchOp::Action && balance + change.cents() < 0 {
        let balance = Money::from_cents(balance);
        return Err(BranchError::roll_back(format!("{account} has only {balance}")));
    }
    sqlx::query("UPDATE account SET cents = cents + ? WHERE name = ?")
        .bind(change.cents())
        .bind(account)
        .execute(transaction)
        .await?;
    Ok(())
}
