//! XA in two databases: MariaDB and PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use dtm_barrier::sql::create_table;
use dtm_barrier::xa::{XaDatabase, prepared};
use dtm_client::branch::{BranchError, BranchOp, BranchResult};
use dtm_client::{BranchBarrier, Client, Error, Fate, Mode, Recovered};
use sqlx::{MySqlPool, PgPool, Pool};
use tokio::net::TcpListener;

use super::world::{Protocol, World};
use crate::harness::databases;

/// Two banks, one account each for a transaction, and branches that change them.
struct Banks {
    gid: String,
    client: Client,
    mysql: MySqlPool,
    postgres: PgPool,
}

struct Stage {
    world: World,
    banks: Arc<Banks>,
    url: String,
}

async fn in_mysql(State(banks): State<Arc<Banks>>, barrier: BranchBarrier, body: Bytes) -> BranchResult {
    let gid = barrier.context().gid.clone();
    let business = async |connection: &mut sqlx::MySqlConnection| {
        let cents: i64 = serde_json::from_slice(&body)?;
        let change = "UPDATE xa_account SET cents = cents + ? WHERE name = ?";
        sqlx::query(change).bind(cents).bind(gid).execute(connection).await?;
        Ok(())
    };
    banks.client.xa_local_transaction(barrier, &banks.mysql, business).await
}

async fn in_postgres(State(banks): State<Arc<Banks>>, barrier: BranchBarrier, body: Bytes) -> BranchResult {
    let gid = barrier.context().gid.clone();
    let business = async |connection: &mut sqlx::PgConnection| {
        let cents: i64 = serde_json::from_slice(&body)?;
        let change = "UPDATE xa_account SET cents = cents + $1 WHERE name = $2";
        sqlx::query(change).bind(cents).bind(gid).execute(connection).await?;
        if cents > 1_000 {
            return Err(BranchError::roll_back("too much"));
        }
        Ok(())
    };
    banks.client.xa_local_transaction(barrier, &banks.postgres, business).await
}

impl Stage {
    /// `None`, after saying so, when a database does not run.
    async fn open() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let (mysql, postgres) = (databases::mariadb()?, databases::postgres()?);
        let mysql = MySqlPool::connect(&mysql).await.unwrap();
        let postgres = PgPool::connect(&postgres).await.unwrap();
        create_table(&mysql).await.unwrap();
        create_table(&postgres).await.unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let gid = format!("xa-{}-{number}", std::process::id());
        let table =
            "CREATE TABLE IF NOT EXISTS xa_account (name varchar(64) PRIMARY KEY, cents bigint NOT NULL)";
        sqlx::raw_sql(table).execute(&mysql).await.unwrap();
        // two that make the same table in PostgreSQL at the same time get in each other's way
        sqlx::raw_sql(table).execute(&postgres).await.ok();
        let opened = "INSERT INTO xa_account (name, cents) VALUES (?, 100)";
        sqlx::query(opened).bind(&gid).execute(&mysql).await.unwrap();
        let opened = "INSERT INTO xa_account (name, cents) VALUES ($1, 100)";
        sqlx::query(opened).bind(&gid).execute(&postgres).await.unwrap();

        let world = World::start(Protocol::Http).await;
        let banks = Arc::new(Banks { gid, client: world.client(), mysql, postgres });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = axum::Router::new()
            .route("/mysql", post(in_mysql))
            .route("/postgres", post(in_postgres))
            .with_state(Arc::clone(&banks));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Some(Self { world, banks, url })
    }

    async fn transfer(&self, cents: i64) -> Result<(), Error> {
        let xa = self.banks.client.xa(self.banks.gid.as_str()).wait_result();
        xa.run(async |xa| {
            xa.call(format!("{}/mysql", self.url), &-cents).await?;
            xa.call(format!("{}/postgres", self.url), &cents).await?;
            Ok(())
        })
        .await
    }

    async fn balances(&self) -> (i64, i64) {
        let (gid, banks) = (&self.banks.gid, &self.banks);
        let mysql = sqlx::query_scalar("SELECT cents FROM xa_account WHERE name = ?").bind(gid);
        let postgres = sqlx::query_scalar("SELECT cents FROM xa_account WHERE name = $1").bind(gid);
        (mysql.fetch_one(&banks.mysql).await.unwrap(), postgres.fetch_one(&banks.postgres).await.unwrap())
    }

    /// How many of our branches are prepared.
    async fn prepared(&self) -> usize {
        async fn of<DB: XaDatabase>(pool: &Pool<DB>, gid: &str) -> usize {
            prepared(pool).await.unwrap().iter().filter(|it| it.gid == gid).count()
        }
        of(&self.banks.mysql, &self.banks.gid).await + of(&self.banks.postgres, &self.banks.gid).await
    }

    async fn clear(self) {
        let (gid, banks) = (&self.banks.gid, &self.banks);
        for (in_mysql, in_postgres) in [
            ("DELETE FROM xa_account WHERE name = ?", "DELETE FROM xa_account WHERE name = $1"),
            (
                "DELETE FROM dtm_barrier.barrier WHERE gid = ?",
                "DELETE FROM dtm_barrier.barrier WHERE gid = $1",
            ),
        ] {
            sqlx::query(in_mysql).bind(gid).execute(&banks.mysql).await.unwrap();
            sqlx::query(in_postgres).bind(gid).execute(&banks.postgres).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_databases_commit_together() {
    // behaviour 82; I3, I10
    let Some(stage) = Stage::open().await else { return };
    stage.transfer(30).await.unwrap();
    assert_eq!(stage.world.server.end_of(&stage.banks.gid).await.status(), "succeed");
    assert_eq!((stage.balances().await, stage.prepared().await), ((70, 130), 0));
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_says_no_takes_the_other_database_along() {
    // behaviour 82, 83; I4, I10
    let Some(stage) = Stage::open().await else { return };
    let error = stage.transfer(2_000).await.unwrap_err();
    assert!(matches!(error, Error::Closure { fate: Fate::RolledBack, .. }), "{error}");
    assert_eq!(stage.world.server.end_of(&stage.banks.gid).await.status(), "failed");
    assert_eq!((stage.balances().await, stage.prepared().await), ((100, 100), 0));
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_dies_between_the_phases_leaves_nothing_prepared() {
    // I4, I10
    let Some(stage) = Stage::open().await else { return };
    let (reached, is_reached) = tokio::sync::oneshot::channel();
    let url = format!("{}/mysql", stage.url);
    let xa = stage.banks.client.xa(stage.banks.gid.as_str()).timeout_to_fail(Duration::from_secs(1));
    let dying = xa.run(async |xa| {
        xa.call(url, &30).await?;
        reached.send(()).ok();
        std::future::pending::<Result<(), BranchError>>().await
    });
    tokio::select! {
        result = dying => panic!("{result:?}"),
        _ = is_reached => {}
    }
    assert_eq!(stage.prepared().await, 1);
    assert_eq!(stage.world.server.end_of(&stage.banks.gid).await.status(), "failed");
    assert_eq!((stage.balances().await, stage.prepared().await), ((100, 100), 0));
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_finished_is_finished_as_its_transaction_has_ended() {
    // I10
    let Some(stage) = Stage::open().await else { return };
    stage.transfer(30).await.unwrap();
    let gid = &stage.banks.gid;
    stage.world.server.end_of(gid).await;
    let orphan = async |gid: &str| {
        let mut barrier = BranchBarrier::new(Mode::Xa, gid, "09", BranchOp::Action).unwrap();
        let business = async |_: &mut sqlx::PgConnection| Ok(());
        barrier.xa_prepare(&stage.banks.postgres, business, async { Ok(()) }).await.unwrap();
    };
    let unknown = format!("{gid}-unknown");
    orphan(gid).await;
    orphan(&unknown).await;
    let done = stage.banks.client.xa_recover(&stage.banks.postgres, None).await.unwrap();
    let of = |gid: &str| done.iter().find(|it| it.prepared.gid == gid).map(|it| it.done);
    assert_eq!((of(gid), of(&unknown)), (Some(Recovered::Committed), Some(Recovered::Unknown)));
    assert_eq!(stage.prepared().await, 0);
    let left = BranchBarrier::new(Mode::Xa, &unknown, "09", BranchOp::Rollback).unwrap();
    left.xa_finish(&stage.banks.postgres).await.unwrap();
    let cleared = "DELETE FROM dtm_barrier.barrier WHERE gid = $1";
    sqlx::query(cleared).bind(&unknown).execute(&stage.banks.postgres).await.unwrap();
    stage.clear().await;
}
