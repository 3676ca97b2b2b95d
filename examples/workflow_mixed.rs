//! A workflow with steps of three kinds: one function buys a bicycle, and each place gets the mode that suits it.
//!
//! | step | mode | when the workflow succeeds | when it is rolled back |
//! |---|---|---|---|
//! | `01` the shelf gives a bicycle, and says its price | saga | nothing to do | it is put back, by a call |
//! | `02` the seller is credited that price | XA, in PostgreSQL | the database commits | the database rolls back |
//! | `03` the buyer's card holds it | TCC | confirm: it is charged | cancel: it is released |
//!
//! The second step needs the result of the first, so this is a function and no list of steps. What each step comes to is recorded:
//! when the process dies, another one runs the function again and is given what is recorded.
//!
//! 1. A purchase that works.
//! 2. A card that has too little. Nobody has ever seen the seller's credit, and the bicycle is on the shelf again.
//! 3. The process dies when the card has held the price, and before that is recorded. The manager calls the workflow, which
//!    goes on, and nothing is taken twice.
//!
//! `cargo run --example workflow_mixed` needs a PostgreSQL: `bash tests/services/postgres.sh start`, or `POSTGRES_URL`. It ends with
//! exit code 0 only if everything is where it belongs; with 77 without PostgreSQL.

use std::future::pending;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use dtm_barrier::sql::create_table;
use dtm_client::branch::{BranchContext, BranchOp, BranchResult, Done};
use dtm_client::{Client, Status};
use dtm_examples::{Manager, Result, Story, database, play, postgres_url, serve};
use dtm_workflow::{BranchBarrier, BranchCalls as _, BranchError, Error, Workflow, Workflows};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool, SqlitePool};
use tokio::net::TcpListener;
use tokio::sync::Notify;

#[derive(Clone, Serialize, Deserialize)]
struct Purchase {
    card: String,
    seller: i64,
}

#[derive(Serialize, Deserialize)]
struct Charge {
    card: String,
    euros: i64,
}

/// What the workflow works with.
#[derive(Clone)]
struct Shop {
    http: reqwest::Client,
    services: String,
    sellers: PgPool,
    story: Story,
}

impl Shop {
    fn call(&self, service: &str, body: &impl Serialize) -> reqwest::RequestBuilder {
        self.http.post(format!("{}/{service}", self.services)).json(body)
    }
}

/// The workflow. Its result is the price.
async fn buy(
    shop: Shop,
    wf: Workflow,
    Purchase { card, seller }: Purchase,
) -> std::result::Result<i64, BranchError> {
    let put_back = shop.call("shelf", &());
    let shelf = wf.branch().named("shelf").on_rollback(async move |barrier| barrier.send(put_back).await);
    let euros: i64 = shelf.send(shop.call("shelf", &())).await?.json()?;

    let credit = async |connection: &mut PgConnection| {
        let credit = "UPDATE workflow_example SET euros = euros + $1 WHERE id = $2 RETURNING euros";
        let balance: i64 = sqlx::query_scalar(credit).bind(euros).bind(seller).fetch_one(connection).await?;
        shop.story.say("seller", &format!("{euros} euros more, prepared  [{}]", wf.gid()));
        Ok(balance)
    };
    wf.branch().named("seller").xa(&shop.sellers, credit).await?;

    let charge = Charge { card, euros };
    let (confirm, cancel) = (shop.call("card", &charge), shop.call("card", &charge));
    let hold = wf
        .branch()
        .named("card")
        .on_commit(async move |barrier| barrier.send(confirm).await)
        .on_rollback(async move |barrier| barrier.send(cancel).await);
    hold.send(shop.call("card", &charge)).await?;
    Ok(euros)
}

/// The services at the other end, with a database each.
#[derive(Clone)]
struct Services {
    shelf: SqlitePool,
    cards: SqlitePool,
    story: Story,
    /// Whether the card's next answer never comes, and that it does not.
    is_silent: Arc<AtomicBool>,
    silent: Arc<Notify>,
}

/// Gives a bicycle, or takes it back. Its answer is the price.
async fn shelf(
    State(services): State<Services>,
    mut barrier: BranchBarrier,
) -> std::result::Result<Json<i64>, BranchError> {
    let (what, change) = match barrier.context().op {
        BranchOp::Rollback => ("a bicycle is back", 1),
        _ => ("a bicycle is gone", -1),
    };
    let called = barrier.call(&services.shelf, async |connection| {
        let statement = "UPDATE shelf SET bicycles = bicycles + ?1 WHERE bicycles + ?1 >= 0";
        let changed = sqlx::query(statement).bind(change).execute(connection).await?;
        if changed.rows_affected() == 0 { Err(BranchError::roll_back("no bicycle is left")) } else { Ok(()) }
    });
    let called = called.await?;
    services.tell("shelf", what, called.ran().is_some(), barrier.context());
    Ok(Json(sqlx::query_scalar("SELECT price FROM shelf").fetch_one(&services.shelf).await?))
}

/// Holds an amount, then charges or releases it.
async fn card(
    State(services): State<Services>,
    mut barrier: BranchBarrier,
    Json(charge): Json<Charge>,
) -> BranchResult {
    let (what, statement) = match barrier.context().op {
        BranchOp::Commit => {
            ("charged", "UPDATE card SET held = held - ?1, euros = euros - ?1 WHERE name = ?2")
        }
        BranchOp::Rollback => ("released", "UPDATE card SET held = held - ?1 WHERE name = ?2"),
        _ => ("held", "UPDATE card SET held = held + ?1 WHERE name = ?2 AND euros - held >= ?1"),
    };
    let called = barrier.call(&services.cards, async |connection| {
        let changed =
            sqlx::query(statement).bind(charge.euros).bind(&charge.card).execute(connection).await?;
        if changed.rows_affected() == 0 {
            Err(BranchError::roll_back("the card is declined"))
        } else {
            Ok(())
        }
    });
    let called = called.await.inspect_err(|error| services.story.say("card", &error.to_string()))?;
    services.tell(
        "card",
        &format!("{} euros {what}", charge.euros),
        called.ran().is_some(),
        barrier.context(),
    );
    if services.is_silent.swap(false, Ordering::SeqCst) {
        services.silent.notify_one();
        pending::<()>().await;
    }
    Ok(Done)
}

impl Services {
    fn tell(&self, who: &str, what: &str, did: bool, call: &BranchContext) {
        let what = if did { what } else { "nothing to do (any more)" };
        self.story.say(who, &format!("{what}  [{} {} {}]", call.gid, call.branch_id, call.op));
    }
}

struct Stage {
    services: Services,
    shop: Shop,
    seller: i64,
}

impl Stage {
    async fn open(story: Story, folder: &Path) -> Result<Self> {
        let sellers = PgPool::connect(&postgres_url()?).await?;
        create_table(&sellers).await?;
        let table =
            "CREATE TABLE IF NOT EXISTS workflow_example (id BIGSERIAL PRIMARY KEY, euros BIGINT NOT NULL)";
        sqlx::raw_sql(table).execute(&sellers).await?;
        let account = sqlx::query_scalar("INSERT INTO workflow_example (euros) VALUES (0) RETURNING id");
        let seller = account.fetch_one(&sellers).await?;

        let shelf_table =
            "CREATE TABLE shelf (bicycles INTEGER, price INTEGER); INSERT INTO shelf VALUES (5, 300);";
        let card_table = "CREATE TABLE card (name TEXT PRIMARY KEY, euros INTEGER, held INTEGER); \
                          INSERT INTO card VALUES ('alice', 1000, 0), ('bob', 200, 0);";
        let services = Services {
            shelf: database(&folder.join("shelf"), shelf_table).await?,
            cards: database(&folder.join("cards"), card_table).await?,
            story,
            is_silent: Arc::default(),
            silent: Arc::default(),
        };
        let routes = Router::new().route("/shelf", post(shelf)).route("/card", post(card));
        let url = serve(routes.with_state(services.clone())).await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { services, shop: Shop { http, services: url, sellers, story }, seller })
    }

    fn purchase(&self, card: &str) -> Purchase {
        Purchase { card: card.to_owned(), seller: self.seller }
    }

    /// The bicycles on the shelf, the seller's euros as others see them, and what Alice's card has and holds.
    async fn check(&self, expected: (i64, i64, (i64, i64))) -> Result {
        let select = sqlx::query_scalar("SELECT euros FROM workflow_example WHERE id = $1");
        let found: (i64, i64, (i64, i64)) = (
            sqlx::query_scalar("SELECT bicycles FROM shelf").fetch_one(&self.services.shelf).await?,
            select.bind(self.seller).fetch_one(&self.shop.sellers).await?,
            sqlx::query_as("SELECT euros, held FROM card WHERE name = 'alice'")
                .fetch_one(&self.services.cards)
                .await?,
        );
        self.shop.story.check("bicycles, the seller's euros, Alice's euros and what is held", found, expected)
    }
}

async fn purchases() -> Result {
    let story = Story::begin("5 bicycles of 300 euros. Alice's card has 1000 euros, Bob's has 200.");
    let folder = tempfile::tempdir()?;
    let stage = Stage::open(story, folder.path()).await?;
    let manager = Manager::start().await?;
    let client = Client::http(&manager.address())?;

    // The URL at which the manager has a workflow go on is part of the workflow, so it is there first.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let callback = format!("http://{}/workflow", listener.local_addr()?);
    let shop = stage.shop.clone();
    let workflows = Workflows::builder(client.clone(), callback)
        .register("buy", move |wf, purchase| buy(shop.clone(), wf, purchase))
        .retry_interval(Duration::from_secs(1))
        .build()?;
    let routes = Router::new().route("/workflow", workflows.http_callback());
    tokio::spawn(axum::serve(listener, routes).into_future());

    story.act("1. Alice buys a bicycle");
    // PostgreSQL outlives the manager of this example, and has to be given a name that it has not seen.
    let gid = client.new_gid().await?;
    let price: i64 = workflows.execute("buy", &gid, &stage.purchase("alice")).await?;
    story.check("price", price, 300)?;
    stage.check((4, 300, (700, 0))).await?;

    story.act("2. Bob's card has too little");
    let gid = client.new_gid().await?;
    match workflows.execute::<_, i64>("buy", &gid, &stage.purchase("bob")).await {
        Err(error @ Error::RolledBack { .. }) => story.say("shop", &error.to_string()),
        other => return Err(format!("expected a rollback, got {other:?}").into()),
    }
    stage.check((4, 300, (700, 0))).await?;

    story.act("3. Alice buys another one, and the process dies on the way");
    let gid = client.new_gid().await?;
    stage.services.is_silent.store(true, Ordering::SeqCst);
    let purchase = stage.purchase("alice");
    tokio::select! {
        ended = workflows.execute::<_, i64>("buy", &gid, &purchase) => {
            return Err(format!("nobody should know yet: {ended:?}").into());
        }
        () = stage.services.silent.notified() => story.say("shop", "dies"),
    }
    stage.check((3, 300, (700, 300))).await?;
    story.check(&gid, client.wait(&gid).await?.status, Status::Succeed)?;
    stage.check((3, 600, (400, 0))).await?;
    manager.stop().await
}

#[tokio::main]
async fn main() -> ExitCode {
    play(purchases().await)
}
