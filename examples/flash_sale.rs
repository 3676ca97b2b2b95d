//! A flash sale: hundreds of buyers at once, a few pieces, and exactly as many orders as pieces.
//!
//! The stock is a number in Redis, because no table wants hundreds of updates of one row at once. Each purchase is a saga:
//!
//! | step | where | action | compensation |
//! |---|---|---|---|
//! | stock | Redis | takes a piece, or says "sold out" | puts it back |
//! | order | SQLite | writes the order | deletes it |
//! | payment | another service | charges the card, or declines it | |
//!
//! What goes wrong without it: a shop that dies after it has taken a piece has lost it; a call that is repeated, because its
//! answer got lost, takes two. `BranchBarrier::redis_adjust` counts and remembers the call in one script of Redis, so it does
//! neither.
//!
//! **A buyer whose payment fails** has no order, and pays nothing. The piece goes back into the stock, and whoever asks next gets
//! it: nobody is called back who was told "sold out" in the meantime.
//!
//! 1. 300 buyers, 20 pieces, and the first five answers of the stock get lost.
//! 2. 40 buyers, 20 pieces, and every second card is declined. Ordered and left are 20 together; those who come later get the rest.
//!
//! `cargo run --example flash_sale` needs a Redis: `bash tests/services/redis.sh start`, or `REDIS_URL`. It ends with exit code 0
//! only if each piece was ordered and paid once; with 77 without Redis.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use dtm_barrier::BranchBarrier;
use dtm_client::branch::{BranchContext, BranchError, BranchOp, BranchResult, Done};
use dtm_client::{Client, Error, Status, Step};
use dtm_examples::{Manager, Result, Story, database, play, redis_url, serve};
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use tokio::task::JoinSet;

/// How long Redis remembers a call: longer than any purchase can take.
const REMEMBERED: Duration = Duration::from_secs(3_600);

#[derive(Clone, Serialize, Deserialize)]
struct Purchase {
    sale: String,
    buyer: String,
    card_is_good: bool,
}

/// The three services. In production each is on its own.
#[derive(Clone)]
struct Services {
    redis: MultiplexedConnection,
    orders: SqlitePool,
    /// Which purchases have been charged. A set, so that a repeated call charges nothing twice.
    charged: Arc<Mutex<BTreeSet<String>>>,
    /// How many answers of the stock still get lost.
    losing: Arc<AtomicU32>,
}

fn stock_key(sale: &str) -> String {
    format!("{sale}:stock")
}

async fn stock(
    State(mut services): State<Services>,
    mut barrier: BranchBarrier,
    Json(purchase): Json<Purchase>,
) -> BranchResult {
    let change = if barrier.context().op == BranchOp::Compensate { 1 } else { -1 };
    barrier.redis_adjust(&mut services.redis, &stock_key(&purchase.sale), change, REMEMBERED).await?;
    if services.losing.fetch_update(SeqCst, SeqCst, |losing| losing.checked_sub(1)).is_ok() {
        Err(std::io::Error::other("the answer gets lost"))?;
    }
    Ok(Done)
}

async fn order(
    State(services): State<Services>,
    mut barrier: BranchBarrier,
    Json(purchase): Json<Purchase>,
) -> BranchResult {
    let statement = match barrier.context().op {
        BranchOp::Compensate => "DELETE FROM orders WHERE sale = ? AND buyer = ?",
        _ => "INSERT INTO orders (sale, buyer) VALUES (?, ?)",
    };
    let change = sqlx::query(statement).bind(purchase.sale).bind(purchase.buyer);
    barrier.call(&services.orders, async |connection| Ok(change.execute(connection).await?)).await?;
    Ok(Done)
}

async fn payment(
    State(services): State<Services>,
    call: BranchContext,
    Json(purchase): Json<Purchase>,
) -> BranchResult {
    if !purchase.card_is_good {
        return Err(BranchError::roll_back("the card is declined"));
    }
    services.charged.lock().unwrap_or_else(PoisonError::into_inner).insert(call.gid);
    Ok(Done)
}

#[derive(Clone)]
struct Shop {
    client: Client,
    services: String,
}

impl Shop {
    /// The purchase: all that the shop writes. Whether there is an order; otherwise everything is as if nobody had asked.
    async fn buy(&self, purchase: Purchase) -> Result<bool> {
        let gid = format!("{}-{}", purchase.sale, purchase.buyer);
        let url = |name: &str| format!("{}/{name}", self.services);
        let saga = self
            .client
            .saga(&gid)
            .step(Step::new(url("stock"), url("stock")).payload(&purchase)?)
            .step(Step::new(url("order"), url("order")).payload(&purchase)?)
            .step(Step::new(url("payment"), "").payload(&purchase)?)
            .retry_interval(Duration::from_secs(1))
            .wait_result();
        match saga.submit().await {
            Ok(_) => Ok(true),
            Err(Error::RolledBack { .. }) => Ok(false),
            // an answer got lost, and the manager asks again
            Err(Error::StillRunning { .. }) => Ok(self.client.wait(&gid).await?.status == Status::Succeed),
            Err(other) => Err(other.into()),
        }
    }

    /// All of them at once; how many have an order.
    async fn sell(&self, purchases: impl IntoIterator<Item = Purchase>) -> Result<usize> {
        let mut buying = JoinSet::new();
        for purchase in purchases {
            let shop = self.clone();
            buying.spawn(async move { shop.buy(purchase).await });
        }
        let ordered: Vec<bool> = buying.join_all().await.into_iter().collect::<Result<_>>()?;
        Ok(ordered.into_iter().filter(|ordered| *ordered).count())
    }
}

/// A sale, and what became of it.
struct Sale {
    gid: String,
    services: Services,
    story: Story,
}

impl Sale {
    /// Opens a sale. Its name is new for Redis, which outlives the manager of this example.
    async fn open(client: &Client, services: &Services, pieces: i64, story: Story) -> Result<Self> {
        let gid = client.new_gid().await?;
        let () = services.redis.clone().set_ex(stock_key(&gid), pieces, REMEMBERED.as_secs()).await?;
        Ok(Self { gid, services: services.clone(), story })
    }

    fn purchase(&self, number: i64, card_is_good: bool) -> Purchase {
        Purchase { sale: self.gid.clone(), buyer: format!("buyer-{number}"), card_is_good }
    }

    async fn left(&self) -> Result<i64> {
        Ok(self.services.redis.clone().get(stock_key(&self.gid)).await?)
    }

    /// Checks that those who were told so have an order, have paid, and nobody else.
    async fn check(&self, told: usize, left: i64) -> Result {
        let select = sqlx::query_scalar("SELECT sale || '-' || buyer FROM orders WHERE sale = ? ORDER BY 1");
        let orders: Vec<String> = select.bind(&self.gid).fetch_all(&self.services.orders).await?;
        let charged = self.services.charged.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let charged: Vec<String> = charged.into_iter().filter(|gid| gid.starts_with(&self.gid)).collect();
        self.story.check("orders", orders.len(), told)?;
        self.story.check("each order is paid, and nothing else", charged == orders, true)?;
        self.story.check("pieces left", self.left().await?, left)
    }
}

async fn sales() -> Result {
    let story = Story::begin("Two sales of 20 pieces each.");
    let redis = redis::Client::open(redis_url()?)?.get_multiplexed_async_connection().await?;
    let folder = tempfile::tempdir()?;
    let table = "CREATE TABLE orders (sale TEXT, buyer TEXT, PRIMARY KEY (sale, buyer));";
    let services = Services {
        redis,
        orders: database(&folder.path().join("orders"), table).await?,
        charged: Arc::default(),
        losing: Arc::new(AtomicU32::new(5)),
    };
    let manager = Manager::start().await?;
    let routes = Router::new()
        .route("/stock", post(stock))
        .route("/order", post(order))
        .route("/payment", post(payment))
        .with_state(services.clone());
    let shop = Shop { client: Client::http(&manager.address())?, services: serve(routes).await? };

    story.act("1. 300 buyers at once");
    let sale = Sale::open(&shop.client, &services, 20, story).await?;
    let told = shop.sell((0..300).map(|number| sale.purchase(number, true))).await?;
    story.say("shop", &format!("{told} of 300 buyers have an order"));
    sale.check(20, 0).await?;

    story.act("2. 40 buyers at once, and every second card is declined");
    let sale = Sale::open(&shop.client, &services, 20, story).await?;
    let told = shop.sell((0..40).map(|number| sale.purchase(number, number % 2 == 0))).await?;
    story.say("shop", &format!("{told} of 40 buyers have an order"));
    let left = 20 - i64::try_from(told)?;
    sale.check(told, left).await?;
    let late = shop.sell((40..60).map(|number| sale.purchase(number, true))).await?;
    story.say("shop", &format!("{late} of 20 who came later have an order"));
    sale.check(20, 0).await?;
    manager.stop().await
}

#[tokio::main]
async fn main() -> ExitCode {
    play(sales().await)
}
