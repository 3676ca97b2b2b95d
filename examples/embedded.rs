//! A coordinator inside the application: no server, no second process, and the same promises.
//!
//! A shop has its stock in one database and its customers' money in another one. An order takes from both, or from none. The
//! coordinator runs in the shop itself, and the branches are async functions of the shop.
//!
//! 1. An order that works.
//! 2. An order that the customer cannot pay. The books that were taken already are put back.
//! 3. The shop dies after the money has been booked, and before that was noted. When it starts again, the coordinator does
//!    not know whether the money was taken, and asks again; the barrier knows.
//!
//! `cargo run --example embedded` needs nothing but Rust, and ends with exit code 0 only if every number is right.

use std::future::pending;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use dtm_barrier::BranchBarrier;
use dtm_examples::{Result, Story, database, play};
use dtm_server::config::StoreConfig;
use dtm_server::embedded::{
    BranchContext, BranchError, BranchOp, BranchResult, Done, Embedded, Error, Receipt, Status, Step, local,
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    customer: String,
    books: i64,
    euros: i64,
}

/// What the branches need.
#[derive(Clone)]
struct Shop {
    stock: SqlitePool,
    money: SqlitePool,
    story: Story,
    /// Act 3: told when the money is booked, and then nothing is answered any more.
    silent: Option<Arc<Notify>>,
}

/// Both ways of the step "stock": the operation says which one.
async fn stock(shop: Shop, call: BranchContext, order: Order) -> BranchResult {
    let change = if call.op == BranchOp::Compensate { order.books } else { -order.books };
    let mut barrier = BranchBarrier::try_from(call.clone())?;
    let called = barrier.call(&shop.stock, async |connection| {
        let moved = sqlx::query("UPDATE stock SET books = books + ? WHERE books + ? >= 0")
            .bind(change)
            .bind(change)
            .execute(connection)
            .await?; // any error: the coordinator asks again later
        if moved.rows_affected() == 0 {
            return Err(BranchError::roll_back("there are not enough books"));
        }
        Ok(())
    });
    let did = called.await?.ran().is_some();
    shop.story.say("stock", &told(&call, &format!("{change:+} books"), did));
    Ok(Done)
}

async fn money(shop: Shop, call: BranchContext, order: Order) -> BranchResult {
    let change = if call.op == BranchOp::Compensate { order.euros } else { -order.euros };
    let mut barrier = BranchBarrier::try_from(call.clone())?;
    let called = barrier.call(&shop.money, async |connection| {
        let moved = sqlx::query("UPDATE customer SET euros = euros + ? WHERE name = ? AND euros + ? >= 0")
            .bind(change)
            .bind(&order.customer)
            .bind(change)
            .execute(connection)
            .await?;
        if moved.rows_affected() == 0 {
            return Err(BranchError::roll_back(format!(
                "{} has less than {} euros",
                order.customer, order.euros
            )));
        }
        Ok(())
    });
    let did = called.await?.ran().is_some();
    shop.story.say("money", &told(&call, &format!("{change:+} euros"), did));
    if let Some(silent) = &shop.silent {
        silent.notify_one();
        pending::<()>().await;
    }
    Ok(Done)
}

fn told(call: &BranchContext, what: &str, did: bool) -> String {
    let what = if did { what } else { "nothing to do (any more)" };
    format!("{what}  [{} {} {}]", call.gid, call.branch_id, call.op)
}

impl Shop {
    async fn open(folder: &Path, story: Story, silent: Option<Arc<Notify>>) -> Result<(Self, Embedded)> {
        let stock_tables = "CREATE TABLE stock (books INTEGER NOT NULL); INSERT INTO stock VALUES (10);";
        let money_tables = "CREATE TABLE customer (name TEXT PRIMARY KEY, euros INTEGER NOT NULL); \
                            INSERT INTO customer VALUES ('alice', 100);";
        let shop = Self {
            stock: database(&folder.join("stock"), stock_tables).await?,
            money: database(&folder.join("money"), money_tables).await?,
            story,
            silent,
        };
        let coordinator = Embedded::builder(StoreConfig::sled(folder.join("coordinator")))
            .branch_with("stock", &shop, stock)
            .branch_with("money", &shop, money)
            .start()
            .await?;
        Ok((shop, coordinator))
    }

    async fn check(&self, books: i64, euros: i64) -> Result {
        let found: (i64, i64) = (
            sqlx::query_scalar("SELECT books FROM stock").fetch_one(&self.stock).await?,
            sqlx::query_scalar("SELECT euros FROM customer").fetch_one(&self.money).await?,
        );
        self.story.check("books and euros", found, (books, euros))
    }
}

/// All that the caller of an order writes.
async fn place(
    coordinator: &Embedded,
    gid: &str,
    books: i64,
    euros: i64,
) -> std::result::Result<Receipt, Error> {
    let order = Order { customer: "alice".to_owned(), books, euros };
    let saga = coordinator
        .saga(gid)
        .step(Step::new(local("stock"), local("stock")).payload(&order)?)
        .step(Step::new(local("money"), local("money")).payload(&order)?);
    saga.wait_result().submit().await
}

async fn first_day(folder: &Path, story: Story) -> Result {
    let (shop, coordinator) = Shop::open(folder, story, None).await?;
    story.act("1. Alice orders 2 books for 40 euros");
    story.say("shop", &format!("{:?}", place(&coordinator, "order-1", 2, 40).await?));
    shop.check(8, 60).await?;

    story.act("2. Alice orders 5 books for 100 euros, and has only 60");
    match place(&coordinator, "order-2", 5, 100).await {
        Err(error @ Error::RolledBack { .. }) => story.say("shop", &error.to_string()),
        other => return Err(format!("expected a rollback, got {other:?}").into()),
    }
    shop.check(8, 60).await?;
    Ok(coordinator.stop().await?)
}

/// Ends when the money is booked; whoever runs it then ends everything else.
async fn day_of_the_crash(folder: &Path, story: Story) -> Result<Embedded> {
    story.act("3. Alice orders 1 book for 20 euros, and the shop dies on the way");
    let silent = Arc::new(Notify::new());
    let (_shop, coordinator) = Shop::open(folder, story, Some(Arc::clone(&silent))).await?;
    tokio::select! {
        answer = place(&coordinator, "order-3", 1, 20) => Err(format!("nobody should know yet: {answer:?}").into()),
        () = silent.notified() => {
            story.say("story", "the money is booked, and nobody has noted it: the shop dies");
            Ok(coordinator)
        }
    }
}

async fn day_after(folder: &Path, story: Story) -> Result {
    story.say("story", "the shop starts again, on the same folders");
    let (shop, coordinator) = Shop::open(folder, story, None).await?;
    // The coordinator goes on by itself. The same order again waits for its end, and starts nothing.
    let receipt = place(&coordinator, "order-3", 1, 20).await?;
    story.say("shop", &format!("{receipt:?}"));
    shop.check(7, 40).await?;
    story.check("order-3", coordinator.status("order-3").await?, Some(Status::Succeed))?;
    Ok(coordinator.stop().await?)
}

fn main() -> ExitCode {
    let story = Story::begin("A shop with 10 books, and Alice with 100 euros. Two databases, one process.");
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
