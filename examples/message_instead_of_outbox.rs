//! A message instead of an outbox: an order is written, and a mail goes out, or neither.
//!
//! The shop has a database, the mail service is somewhere else. An outbox would be a second table, and a job that empties it.
//! A message needs neither: it is prepared at the manager, the order is committed, the message is submitted. When the shop
//! dies in between, the manager asks it whether the order was committed.
//!
//! 1. An order that works. The mail goes out.
//! 2. An order that is refused while it is being written. No mail.
//! 3. The shop dies after the commit and before the submit. The manager asks, and the mail goes out.
//! 4. The shop dies before the commit. The manager asks, and no mail goes out.
//!
//! `cargo run --example message_instead_of_outbox` needs nothing but Rust, and ends with exit code 0 only if each mail went out
//! once, and no other.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use dtm_barrier::BranchBarrier;
use dtm_client::branch::{BranchContext, BranchError, BranchResult, Done};
use dtm_client::{Client, Error, Message, Status};
use dtm_examples::{Manager, Result, Story, database, play, serve};
use sqlx::{SqliteConnection, SqlitePool};

/// The mail service. It remembers what it has sent, so a repeated call sends nothing twice.
#[derive(Clone)]
struct Mail {
    story: Story,
    sent: Arc<Mutex<BTreeSet<String>>>,
}

async fn send(State(mail): State<Mail>, call: BranchContext, Json(order): Json<String>) -> BranchResult {
    let is_new = mail.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(order.clone());
    mail.story.say(
        "mail",
        &format!("{order}: {}  [{}]", if is_new { "sent" } else { "was sent before" }, call.gid),
    );
    Ok(Done)
}

/// The back-check: all that the shop needs beside its business.
async fn query_prepared(State(orders): State<SqlitePool>, barrier: BranchBarrier) -> BranchResult {
    barrier.query_prepared(&orders).await
}

/// What the shop does anyway.
async fn write(connection: &mut SqliteConnection, order: &str) -> std::result::Result<(), BranchError> {
    if order == "order-2" {
        return Err(BranchError::roll_back("the address is not known"));
    }
    sqlx::query("INSERT INTO orders (id) VALUES (?)").bind(order).execute(connection).await?;
    Ok(())
}

struct Shop {
    story: Story,
    client: Client,
    orders: SqlitePool,
    url: String,
    mail: String,
}

impl Shop {
    fn message(&self, order: &str) -> Message {
        self.client
            .message(order)
            .step(format!("{}/send", self.mail), order)
            .timeout_to_fail(Duration::from_secs(1))
    }

    fn back_check(&self) -> String {
        format!("{}/query-prepared", self.url)
    }

    /// Takes an order: the business, and one call around it.
    async fn take(&self, order: &str) -> std::result::Result<(), Error> {
        let business = async |connection: &mut SqliteConnection| write(connection, order).await;
        self.message(order).do_and_submit_db(self.back_check(), &self.orders, business).await?;
        Ok(())
    }

    /// The same, and dies on the way.
    async fn take_and_die(&self, order: &str, after_commit: bool) -> Result {
        self.message(order).query_prepared(self.back_check()).prepare().await?;
        if after_commit {
            let business = async |connection: &mut SqliteConnection| write(connection, order).await;
            BranchBarrier::of_message(order)?
                .call(&self.orders, business)
                .await
                .map_err(|error| error.to_string())?;
        }
        self.story.say(
            "shop",
            &format!("{order}: dies {} the commit", if after_commit { "after" } else { "before" }),
        );
        Ok(())
    }
}

async fn four_orders() -> Result {
    let story = Story::begin("Each order has its mail, and no mail is without its order.");
    let folder = tempfile::tempdir()?;
    let orders =
        database(&folder.path().join("orders"), "CREATE TABLE orders (id TEXT PRIMARY KEY);").await?;
    let mail = Mail { story, sent: Arc::default() };
    let manager = Manager::start().await?;
    let shop = Shop {
        story,
        client: Client::http(&manager.address())?,
        url: serve(Router::new().route("/query-prepared", get(query_prepared)).with_state(orders.clone()))
            .await?,
        mail: serve(Router::new().route("/send", post(send)).with_state(mail.clone())).await?,
        orders,
    };

    story.act("1. An order that works");
    shop.take("order-1").await?;
    story.check("order-1", shop.client.wait("order-1").await?.status, Status::Succeed)?;

    story.act("2. An order that is refused while it is being written");
    match shop.take("order-2").await {
        Err(error) => story.say("shop", &error.to_string()),
        Ok(()) => return Err("expected a refusal".into()),
    }
    story.check("order-2", shop.client.wait("order-2").await?.status, Status::Failed)?;

    story.act("3. The shop dies after the commit");
    shop.take_and_die("order-3", true).await?;
    story.check("order-3", shop.client.wait("order-3").await?.status, Status::Succeed)?;

    story.act("4. The shop dies before the commit");
    shop.take_and_die("order-4", false).await?;
    story.check("order-4", shop.client.wait("order-4").await?.status, Status::Failed)?;

    let sent: Vec<String> =
        mail.sent.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    let select = sqlx::query_scalar("SELECT id FROM orders ORDER BY id");
    let written: Vec<String> = select.fetch_all(&shop.orders).await?;
    story.check("mails", sent.as_slice(), ["order-1".to_owned(), "order-3".to_owned()].as_slice())?;
    story.check("orders", written.as_slice(), sent.as_slice())?;
    manager.stop().await
}

#[tokio::main]
async fn main() -> ExitCode {
    play(four_orders().await)
}
