//! A delayed message: an order that nobody pays is cancelled by itself.
//!
//! Each order comes with a message that is delivered 2 seconds later: "if this order is not paid by now, cancel it". There
//! is never one without the other: the message is prepared, the order is written, the message is submitted; when the shop
//! dies in between, the coordinator asks whether the order was written. So there is no outbox, no timer in the shop that
//! has to survive anything, and no job that looks through the orders.
//!
//! 1. An order that is paid in time. The message comes, and finds nothing to do.
//! 2. An order that is not paid. The message cancels it.
//!
//! The coordinator runs inside the shop (see the example `embedded`); with a server, the message is the same.
//!
//! `cargo run --example delayed_message` needs nothing but Rust, and ends with exit code 0 only if that is what happened.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use dtm_barrier::BranchBarrier;
use dtm_examples::{Result, Story, database, play};
use dtm_server::config::StoreConfig;
use dtm_server::embedded::{BranchContext, BranchResult, Coordinator, Done, Embedded, local};
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::mpsc;

const TIME_TO_PAY: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Shop {
    orders: SqlitePool,
    story: Story,
    looked: mpsc::Sender<String>,
}

/// The branch of the message. One statement that can be repeated: a paid order stays paid, a cancelled one cancelled.
async fn cancel_unless_paid(shop: Shop, call: BranchContext, order: String) -> BranchResult {
    let cancelled = sqlx::query("UPDATE orders SET state = 'cancelled' WHERE id = ? AND state = 'open'")
        .bind(&order)
        .execute(&shop.orders)
        .await?;
    let what = if cancelled.rows_affected() == 1 { "not paid: cancelled" } else { "nothing to do" };
    shop.story.say("message", &format!("{order}: {what}  [{}]", call.gid));
    shop.looked.send(order).await?;
    Ok(Done)
}

/// The back-check: whether the order was written. When it was not, it never will be.
async fn is_taken(shop: Shop, call: BranchContext, (): ()) -> BranchResult {
    BranchBarrier::try_from(call)?.query_prepared(&shop.orders).await
}

/// Takes an order, together with the message that ends it.
async fn take_order(shop: &Shop, coordinator: &Coordinator, order: &str) -> Result {
    let gid = format!("time-out of {order}");
    let message = coordinator.message(&gid).step(local("cancel-unless-paid"), order).delay(TIME_TO_PAY);
    let insert = sqlx::query("INSERT INTO orders (id, state) VALUES (?, 'open')").bind(order);
    let write = async |connection: &mut SqliteConnection| Ok(insert.execute(connection).await?);
    message.do_and_submit_db(local("is-taken"), &shop.orders, write).await?;
    shop.story.say("shop", &format!("{order}: taken"));
    Ok(())
}

async fn pay(shop: &Shop, order: &str) -> Result {
    let paid = sqlx::query("UPDATE orders SET state = 'paid' WHERE id = ? AND state = 'open'");
    paid.bind(order).execute(&shop.orders).await?;
    shop.story.say("customer", &format!("{order}: paid"));
    Ok(())
}

async fn state(shop: &Shop, order: &str) -> Result<String> {
    Ok(sqlx::query_scalar("SELECT state FROM orders WHERE id = ?")
        .bind(order)
        .fetch_one(&shop.orders)
        .await?)
}

async fn two_orders() -> Result {
    let story = Story::begin("Two orders, and two seconds to pay each.");
    let folder = tempfile::tempdir()?;
    let tables = "CREATE TABLE orders (id TEXT PRIMARY KEY, state TEXT NOT NULL);";
    let (looked, mut messages) = mpsc::channel(8);
    let shop = Shop { orders: database(&folder.path().join("orders"), tables).await?, story, looked };
    let coordinator = Embedded::builder(StoreConfig::sled(folder.path().join("coordinator")))
        .branch_with("cancel-unless-paid", &shop, cancel_unless_paid)
        .branch_with("is-taken", &shop, is_taken)
        .start()
        .await?;

    let begun = Instant::now();
    for order in ["order-1", "order-2"] {
        take_order(&shop, &coordinator, order).await?;
    }
    pay(&shop, "order-1").await?;
    for _ in 0..2 {
        messages.recv().await.ok_or("the shop is gone")?;
    }
    story.check("came too early", begun.elapsed() < TIME_TO_PAY - Duration::from_secs(1), false)?;
    story.check("order-1", state(&shop, "order-1").await?.as_str(), "paid")?;
    story.check("order-2", state(&shop, "order-2").await?.as_str(), "cancelled")?;
    Ok(coordinator.stop().await?)
}

#[tokio::main]
async fn main() -> ExitCode {
    play(two_orders().await)
}
