//! A message and a local transaction in a database.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use dtm_barrier::sql::create_table;
use dtm_client::branch::{BranchError, BranchResult};
use dtm_client::{BranchBarrier, Error, Fate, Message};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::world::{Protocol, World};

/// A shop with a database of its own, and a back-check.
struct Shop {
    world: World,
    pool: SqlitePool,
    back_check: String,
    _folder: TempDir,
}

async fn query_prepared(State(pool): State<SqlitePool>, barrier: BranchBarrier) -> BranchResult {
    barrier.query_prepared(&pool).await
}

impl Shop {
    async fn open() -> Arc<Self> {
        let folder = TempDir::new().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("shop.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        create_table(&pool).await.unwrap();
        sqlx::query("CREATE TABLE orders (id TEXT PRIMARY KEY)").execute(&pool).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let back_check = format!("http://{}/query", listener.local_addr().unwrap());
        let routes = axum::Router::new().route("/query", get(query_prepared)).with_state(pool.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Arc::new(Self { world: World::start(Protocol::Http).await, pool, back_check, _folder: folder })
    }

    fn message(&self, gid: &str) -> Message {
        let message = self.world.client().message(gid).timeout_to_fail(Duration::from_secs(1));
        message.retry_interval(Duration::from_secs(1)).step(self.world.url("mail"), &1)
    }

    async fn orders(&self) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM orders").fetch_one(&self.pool).await.unwrap()
    }

    async fn order(&self, gid: &str) -> Result<Option<()>, Error> {
        let sent = self.message(gid).do_and_submit_db(&*self.back_check, &self.pool, async |connection| {
            sqlx::query("INSERT INTO orders (id) VALUES (?)").bind(gid).execute(connection).await?;
            Ok(())
        });
        sent.await.map(|called| called.ran())
    }
}

#[tokio::test]
async fn a_committed_order_is_mailed_and_one_that_is_rolled_back_is_not() {
    // I7; features 1.7
    let shop = Shop::open().await;
    assert_eq!(shop.order("g").await.unwrap(), Some(()));
    assert_eq!(shop.world.server.end_of("g").await.status(), "succeed");
    assert_eq!((shop.orders().await, shop.world.count("mail")), (1, 1));

    let refused =
        shop.message("refused").do_and_submit_db(&*shop.back_check, &shop.pool, async |connection| {
            sqlx::query("INSERT INTO orders (id) VALUES ('refused')").execute(connection).await?;
            Err::<(), _>(BranchError::roll_back("sold out"))
        });
    let error = refused.await.unwrap_err();
    assert!(matches!(error, Error::Closure { fate: Fate::RolledBack, .. }), "{error}");
    assert_eq!((shop.orders().await, shop.world.count("mail")), (1, 1));
}

#[tokio::test]
async fn an_error_of_the_database_takes_the_message_back_because_the_back_check_knows() {
    // features 1.7
    let shop = Shop::open().await;
    sqlx::query("INSERT INTO orders (id) VALUES ('g')").execute(&shop.pool).await.unwrap();
    let error = shop.order("g").await.unwrap_err();
    assert!(matches!(error, Error::Closure { fate: Fate::RolledBack, .. }), "{error}");
    assert_eq!(shop.world.server.query("g").await.status(), "failed");
    assert_eq!(shop.world.count("mail"), 0);
}

#[tokio::test]
async fn a_program_that_dies_after_its_commit_is_found_out_and_before_it_as_well() {
    // I7, behaviour 88
    let shop = Shop::open().await;
    // committed, and dead before the submit: as do_and_submit_db does it, step by step
    let message = shop.message("committed").query_prepared(&*shop.back_check);
    message.prepare().await.unwrap();
    let mut barrier = BranchBarrier::of_message("committed").unwrap();
    let committed = barrier.call(&shop.pool, async |connection| {
        sqlx::query("INSERT INTO orders (id) VALUES ('committed')").execute(connection).await?;
        Ok(())
    });
    committed.await.unwrap();
    // dead in the middle of the transaction
    let (begun, is_begun) = oneshot::channel();
    let dead = shop.message("dead").do_and_submit_db(&*shop.back_check, &shop.pool, async |connection| {
        sqlx::query("INSERT INTO orders (id) VALUES ('dead')").execute(connection).await?;
        begun.send(()).ok();
        std::future::pending::<Result<(), BranchError>>().await
    });
    tokio::select! {
        result = dead => panic!("{result:?}"),
        _ = is_begun => {}
    }
    assert_eq!(shop.world.server.end_of("committed").await.status(), "succeed");
    assert_eq!(shop.world.server.end_of("dead").await.status(), "failed");
    assert_eq!((shop.orders().await, shop.world.count("mail")), (1, 1));
}

#[tokio::test]
async fn a_program_that_comes_back_does_not_order_twice_and_sends_the_mail() {
    // I3, I7
    let shop = Shop::open().await;
    shop.message("g")
        .timeout_to_fail(Duration::from_secs(60))
        .query_prepared(&*shop.back_check)
        .prepare()
        .await
        .unwrap();
    let mut barrier = BranchBarrier::of_message("g").unwrap();
    barrier.call(&shop.pool, async |_| Ok(())).await.unwrap();
    let sent = shop.message("g").timeout_to_fail(Duration::from_secs(60)).do_and_submit_db(
        &*shop.back_check,
        &shop.pool,
        async |_| -> Result<(), BranchError> { panic!("it has committed before") },
    );
    assert_eq!(sent.await.unwrap().ran(), None);
    assert_eq!(shop.world.server.end_of("g").await.status(), "succeed");
    assert_eq!(shop.world.count("mail"), 1);
}
