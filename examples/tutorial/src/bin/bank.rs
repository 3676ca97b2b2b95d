//! A bank: one service with one database. `bank OWNER EUROS PORT`

use std::error::Error;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use dtm_barrier::{BranchBarrier, BranchError, BranchOp, BranchResult, Called, Done};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::net::TcpListener;
use transfer::Amount;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [owner, euros, port] = arguments.as_slice() else {
        return Err("usage: bank OWNER EUROS PORT".into());
    };

    let file = SqliteConnectOptions::new().filename(format!("{owner}.db")).create_if_missing(true);
    let bank = SqlitePool::connect_with(file).await?;
    dtm_barrier::sql::create_table(&bank).await?;
    let table = "CREATE TABLE IF NOT EXISTS account \
                 (name TEXT PRIMARY KEY, balance INTEGER NOT NULL, frozen INTEGER NOT NULL)";
    sqlx::query(table).execute(&bank).await?;
    sqlx::query("INSERT INTO account VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING")
        .bind(owner)
        .bind(euros.parse::<i64>()?)
        .execute(&bank)
        .await?;

    let routes = Router::new()
        .route("/account/{name}", get(show))
        .route("/pay/try", post(pay_try))
        .route("/pay/confirm", post(pay_confirm))
        .route("/pay/cancel", post(pay_cancel))
        .route("/receive/try", post(receive_try))
        .route("/receive/confirm", post(receive_confirm))
        .route("/receive/cancel", post(receive_cancel))
        .with_state(bank);
    let listener = TcpListener::bind(("127.0.0.1", port.parse::<u16>()?)).await?;
    println!("the bank of {owner} listens on http://{}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn show(bank: State<SqlitePool>, Path(name): Path<String>) -> Result<String, StatusCode> {
    let select = sqlx::query_as("SELECT balance, frozen FROM account WHERE name = ?1");
    let found: Result<(i64, i64), sqlx::Error> = select.bind(&name).fetch_one(&*bank).await;
    let (balance, frozen) = found.map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(format!("{name}: balance {balance}, frozen {frozen}\n"))
}

async fn pay_try(
    bank: State<SqlitePool>,
    barrier: BranchBarrier,
    Json(amount): Json<Amount>,
) -> BranchResult {
    let freeze = "UPDATE account SET frozen = frozen + ?1 WHERE name = ?2 AND balance - frozen >= ?1";
    once(&bank, barrier, "freeze", freeze, &amount).await
}

async fn pay_confirm(
    bank: State<SqlitePool>,
    barrier: BranchBarrier,
    Json(amount): Json<Amount>,
) -> BranchResult {
    let take = "UPDATE account SET frozen = frozen - ?1, balance = balance - ?1 WHERE name = ?2";
    once(&bank, barrier, "take", take, &amount).await
}

async fn pay_cancel(
    bank: State<SqlitePool>,
    barrier: BranchBarrier,
    Json(amount): Json<Amount>,
) -> BranchResult {
    let release = "UPDATE account SET frozen = frozen - ?1 WHERE name = ?2";
    once(&bank, barrier, "release", release, &amount).await
}

async fn receive_try(
    bank: State<SqlitePool>,
    barrier: BranchBarrier,
    Json(amount): Json<Amount>,
) -> BranchResult {
    // nothing to freeze, and whoever has no account says so now
    let look = "UPDATE account SET balance = balance WHERE name = ?2 AND ?1 > 0";
    once(&bank, barrier, "accept", look, &amount).await
}

async fn receive_confirm(
    bank: State<SqlitePool>,
    barrier: BranchBarrier,
    Json(amount): Json<Amount>,
) -> BranchResult {
    let add = "UPDATE account SET balance = balance + ?1 WHERE name = ?2";
    once(&bank, barrier, "add", add, &amount).await
}

async fn receive_cancel(barrier: BranchBarrier) -> BranchResult {
    println!("[{}] nothing was reserved, nothing to release", barrier.context().gid);
    Ok(Done)
}

/// Executes one statement behind the barrier: once, however often the call comes.
async fn once(
    bank: &SqlitePool,
    mut barrier: BranchBarrier,
    what: &str,
    statement: &'static str,
    amount: &Amount,
) -> BranchResult {
    let Amount { account, euros } = amount;
    let call = barrier.context().clone();
    let called = barrier.call(bank, async |connection| {
        let changed = sqlx::query(statement).bind(euros).bind(account).execute(connection).await?;
        match (changed.rows_affected(), call.op) {
            (1, _) => Ok(()),
            // "No, never, and I changed nothing": the whole transfer is undone.
            (_, BranchOp::Try) => {
                Err(BranchError::roll_back(format!("cannot {what} {euros} euros of {account}")))
            }
            // A confirm or a cancel must not say "no". Any other error means "ask me again later".
            _ => Err(sqlx::Error::RowNotFound.into()),
        }
    });
    let result = called.await;
    match &result {
        Ok(Called::Ran(())) => println!("[{} {}] {what} {euros} euros of {account}", call.gid, call.op),
        Ok(Called::NothingToDo(why)) => println!("[{} {}] nothing to do: {why:?}", call.gid, call.op),
        Err(error) => println!("[{} {}] {error}", call.gid, call.op),
    }
    result.map(|_| Done)
}
