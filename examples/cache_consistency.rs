//! A cache that never stays wrong: a price is changed in the database, and its key in Redis is invalidated, whoever dies when.
//!
//! Two things go wrong with a cache beside a database:
//!
//! - *The shop dies between the commit and the invalidation.* The old price stays until the key expires. Here the invalidation is
//!   the step of a two-phase message: it takes place if, and only if, the change commits. No outbox, and nobody who polls.
//! - *A slow reader.* It reads the old price from the database, the price is changed, the key is invalidated, and only then it
//!   fills the cache with what it has read. No invalidation helps against that, however reliable. Here each invalidation begins
//!   a new generation of the key, and a price is cached only in the generation in which its reader began.
//!
//! 1. A change that works. The next reader sees it.
//! 2. A change that is refused while it is being written. The cache keeps what it has.
//! 3. The shop dies after the commit. The cache is wrong for as long as nobody knows; then the manager asks the shop, and
//!    the key is invalidated.
//! 4. A slow reader comes too late to fill the cache.
//!
//! `cargo run --example cache_consistency` needs a Redis: `bash tests/services/redis.sh start`, or `REDIS_URL`. It ends with exit
//! code 0 only if each reader has seen the right price; with 77 without Redis.

use std::future::pending;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use dtm_barrier::BranchBarrier;
use dtm_client::branch::{BranchContext, BranchError, BranchResult, Done};
use dtm_client::{Client, Error, Message, Status};
use dtm_examples::{Manager, Result, Story, database, play, redis_url, serve};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, Script};
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::Notify;

/// Caches a price, unless its key was invalidated since its reader began.
static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if (redis.call('HGET', KEYS[1], 'generation') or '0') ~= ARGV[1] then return 0 end \
         redis.call('HSET', KEYS[1], 'price', ARGV[2]) \
         redis.call('EXPIRE', KEYS[1], ARGV[3]) \
         return 1",
    )
});

/// Longer than any reader takes. What is wrong all the same (somebody changes the database by hand) is gone after it.
const EXPIRY: Duration = Duration::from_secs(3_600);

/// Prices in Redis: a key has a price, if it is known, and a generation.
#[derive(Clone)]
struct Cache {
    redis: MultiplexedConnection,
    story: Story,
}

impl Cache {
    /// The price, if it is there, and the generation of the key.
    async fn look(&self, key: &str) -> Result<(Option<i64>, i64)> {
        let (price, generation): (_, Option<i64>) =
            self.redis.clone().hmget(key, &["price", "generation"]).await?;
        Ok((price, generation.unwrap_or(0)))
    }

    /// Whether the price was cached: not when it was read in an earlier generation.
    async fn fill(&self, key: &str, generation: i64, price: i64) -> Result<bool> {
        let mut fill = FILL.key(key);
        fill.arg(generation).arg(price).arg(EXPIRY.as_secs());
        Ok(fill.invoke_async(&mut self.redis.clone()).await?)
    }
}

/// The branch of the message. It may come twice: a key that is emptied once more does no harm.
async fn invalidate(
    State(mut cache): State<Cache>,
    call: BranchContext,
    Json(key): Json<String>,
) -> BranchResult {
    let mut pipe = redis::pipe();
    pipe.atomic().hdel(&key, "price").hincr(&key, "generation", 1);
    let (_, generation, _): (i64, i64, i64) =
        pipe.expire(&key, EXPIRY.as_secs().cast_signed()).query_async(&mut cache.redis).await?;
    cache.story.say("cache", &format!("invalidated, generation {generation}  [{}]", call.gid));
    Ok(Done)
}

/// The back-check: all that the shop needs beside its business.
async fn query_prepared(State(prices): State<SqlitePool>, barrier: BranchBarrier) -> BranchResult {
    barrier.query_prepared(&prices).await
}

/// What the shop does anyway.
async fn write(
    connection: &mut SqliteConnection,
    key: &str,
    price: i64,
) -> std::result::Result<(), BranchError> {
    if price <= 0 {
        return Err(BranchError::roll_back("a price is more than nothing"));
    }
    sqlx::query("UPDATE product SET price = ? WHERE key = ?")
        .bind(price)
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

struct Shop {
    client: Client,
    prices: SqlitePool,
    cache: Cache,
    key: String,
    back_check: String,
    invalidate: String,
}

impl Shop {
    fn message(&self, gid: &str) -> Message {
        self.client.message(gid).step(&self.invalidate, &self.key).timeout_to_fail(Duration::from_secs(1))
    }

    /// Changes the price: the business, and one call around it.
    async fn change(&self, gid: &str, price: i64) -> std::result::Result<(), Error> {
        let business = async |connection: &mut SqliteConnection| write(connection, &self.key, price).await;
        self.message(gid).do_and_submit_db(&self.back_check, &self.prices, business).await?;
        Ok(())
    }

    /// The same, in a shop that dies when the change is committed.
    async fn change_and_die(&self, gid: &str, price: i64) -> Result {
        let committed = Notify::new();
        let business = async |connection: &mut SqliteConnection| write(connection, &self.key, price).await;
        let change = self.message(gid).do_and_submit(&self.back_check, async |mut barrier| {
            barrier.call(&self.prices, business).await?;
            committed.notify_one();
            pending().await
        });
        tokio::select! {
            ended = change => ended.map_err(Into::into),
            () = committed.notified() => Ok(()),
        }
    }

    async fn price_in_database(&self) -> Result<i64> {
        let select = sqlx::query_scalar("SELECT price FROM product WHERE key = ?");
        Ok(select.bind(&self.key).fetch_one(&self.prices).await?)
    }

    /// What a reader is shown.
    async fn price(&self) -> Result<i64> {
        let (cached, generation) = self.cache.look(&self.key).await?;
        if let Some(price) = cached {
            return Ok(price);
        }
        let price = self.price_in_database().await?;
        self.cache.fill(&self.key, generation, price).await?;
        Ok(price)
    }
}

async fn four_changes() -> Result {
    let story = Story::begin("A book costs 10 euros, in the database and in the cache.");
    let redis = redis::Client::open(redis_url()?)?.get_multiplexed_async_connection().await?;
    let folder = tempfile::tempdir()?;
    let table = "CREATE TABLE product (key TEXT PRIMARY KEY, price INTEGER NOT NULL);";
    let prices = database(&folder.path().join("prices"), table).await?;
    let manager = Manager::start().await?;
    let client = Client::http(&manager.address())?;
    let cache = Cache { redis, story };
    let routes = Router::new().route("/query-prepared", get(query_prepared)).with_state(prices.clone());
    let back_check = format!("{}/query-prepared", serve(routes).await?);
    let routes = Router::new().route("/invalidate", post(invalidate)).with_state(cache.clone());
    let invalidate = format!("{}/invalidate", serve(routes).await?);
    // Redis outlives this example, and is given a key that it has not seen.
    let key = format!("{}:book", client.new_gid().await?);
    sqlx::query("INSERT INTO product VALUES (?, 10)").bind(&key).execute(&prices).await?;
    let shop = Shop { client, prices, cache, key, back_check, invalidate };
    story.check("a reader sees", shop.price().await?, 10)?;

    story.act("1. The price becomes 12");
    shop.change("change-1", 12).await?;
    story.check("change-1", shop.client.wait("change-1").await?.status, Status::Succeed)?;
    story.check("a reader sees", shop.price().await?, 12)?;

    story.act("2. The price is to become -1, which is refused");
    match shop.change("change-2", -1).await {
        Err(error @ Error::Closure { .. }) => story.say("shop", &error.to_string()),
        other => return Err(format!("expected a refusal, got {other:?}").into()),
    }
    story.check("change-2", shop.client.wait("change-2").await?.status, Status::Failed)?;
    story.check("in the cache is", shop.cache.look(&shop.key).await?.0, Some(12))?;

    story.act("3. The price becomes 14, and the shop dies after the commit");
    shop.change_and_die("change-3", 14).await?;
    story.check("in the database is", shop.price_in_database().await?, 14)?;
    story.check("a reader still sees", shop.price().await?, 12)?;
    story.check("change-3", shop.client.wait("change-3").await?.status, Status::Succeed)?;
    story.check("a reader sees", shop.price().await?, 14)?;

    story.act("4. The price becomes 16, and then 18 while somebody reads");
    shop.change("change-4", 16).await?;
    shop.client.wait("change-4").await?;
    let (_, generation) = shop.cache.look(&shop.key).await?;
    let old = shop.price_in_database().await?;
    story.say("reader", &format!("has read {old} from the database, in generation {generation}"));
    shop.change("change-5", 18).await?;
    shop.client.wait("change-5").await?;
    story.check(
        "the slow reader fills the cache",
        shop.cache.fill(&shop.key, generation, old).await?,
        false,
    )?;
    story.check("the next reader sees", shop.price().await?, 18)?;
    let () = shop.cache.redis.clone().del(&shop.key).await?;
    manager.stop().await
}

#[tokio::main]
async fn main() -> ExitCode {
    play(four_changes().await)
}
