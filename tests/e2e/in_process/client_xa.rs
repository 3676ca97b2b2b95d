//! XA by functions of the application, in MariaDB and PostgreSQL.

use std::sync::atomic::{AtomicU32, Ordering};

use dtm_barrier::sql::create_table;
use dtm_barrier::xa::prepared;
use dtm_client::branch::{BranchContext, BranchError, BranchResult};
use dtm_client::{BranchBarrier, Client, Error, Fate};
use dtm_server::embedded::{Embedded, Status, local};
use sqlx::{MySqlConnection, MySqlPool, PgConnection, PgPool};
use tokio::time::timeout;

use super::application::at;
use crate::harness::{PATIENCE, Place, databases};

/// What the two branches need.
#[derive(Clone)]
struct Banks {
    client: Client,
    mysql: MySqlPool,
    postgres: PgPool,
}

// The second phase comes without a payload.
async fn in_mysql(banks: Banks, call: BranchContext, cents: Option<i64>) -> BranchResult {
    let gid = call.gid.clone();
    let business = async |connection: &mut MySqlConnection| {
        let change = "UPDATE local_account SET cents = cents + ? WHERE name = ?";
        sqlx::query(change).bind(cents).bind(gid).execute(connection).await?;
        Ok(())
    };
    banks.client.xa_local_transaction(BranchBarrier::try_from(call)?, &banks.mysql, business).await
}

async fn in_postgres(banks: Banks, call: BranchContext, cents: Option<i64>) -> BranchResult {
    let gid = call.gid.clone();
    let business = async |connection: &mut PgConnection| {
        if cents > Some(1_000) {
            return Err(BranchError::roll_back("too much"));
        }
        let change = "UPDATE local_account SET cents = cents + $1 WHERE name = $2";
        sqlx::query(change).bind(cents).bind(gid).execute(connection).await?;
        Ok(())
    };
    banks.client.xa_local_transaction(BranchBarrier::try_from(call)?, &banks.postgres, business).await
}

impl Banks {
    /// `None`, after saying so, when a database does not run.
    async fn open(place: &Place) -> Option<(Self, Embedded)> {
        let (mysql, postgres) = (databases::mariadb()?, databases::postgres()?);
        let mysql = MySqlPool::connect(&mysql).await.unwrap();
        let postgres = PgPool::connect(&postgres).await.unwrap();
        create_table(&mysql).await.unwrap();
        create_table(&postgres).await.unwrap();
        let table =
            "CREATE TABLE IF NOT EXISTS local_account (name varchar(64) PRIMARY KEY, cents bigint NOT NULL)";
        sqlx::raw_sql(table).execute(&mysql).await.unwrap();
        // two that make the same table in PostgreSQL at the same time get in each other's way
        sqlx::raw_sql(table).execute(&postgres).await.ok();
        let builder = at(place);
        let banks = Self { client: builder.client().unwrap(), mysql, postgres };
        let builder =
            builder.branch_with("mysql", &banks, in_mysql).branch_with("postgres", &banks, in_postgres);
        Some((banks, builder.start().await.unwrap()))
    }

    async fn account(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("local-{:08x}-{number}", rand::random::<u32>());
        let opened = "INSERT INTO local_account (name, cents) VALUES (?, 100)";
        sqlx::query(opened).bind(&name).execute(&self.mysql).await.unwrap();
        let opened = "INSERT INTO local_account (name, cents) VALUES ($1, 100)";
        sqlx::query(opened).bind(&name).execute(&self.postgres).await.unwrap();
        name
    }

    async fn transfer(&self, gid: &str, cents: i64) -> Result<(), Error> {
        let xa = self.client.xa(gid).wait_result();
        xa.run(async |xa| {
            xa.call(local("mysql"), &-cents).await?;
            xa.call(local("postgres"), &cents).await?;
            Ok(())
        })
        .await
    }

    /// The balances, and how many branches are prepared.
    async fn left(&self, gid: &str) -> (i64, i64, usize) {
        let mysql = sqlx::query_scalar("SELECT cents FROM local_account WHERE name = ?").bind(gid);
        let postgres = sqlx::query_scalar("SELECT cents FROM local_account WHERE name = $1").bind(gid);
        let of = |all: Vec<dtm_barrier::xa::Prepared>| all.iter().filter(|it| it.gid == gid).count();
        let prepared = of(prepared(&self.mysql).await.unwrap()) + of(prepared(&self.postgres).await.unwrap());
        (
            mysql.fetch_one(&self.mysql).await.unwrap(),
            postgres.fetch_one(&self.postgres).await.unwrap(),
            prepared,
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_databases_commit_together_or_not_at_all_by_functions_of_this_process() {
    // behaviour 82, 83; I3, I4, I10
    let place = Place::new();
    let Some((banks, app)) = Banks::open(&place).await else { return };
    let good = banks.account().await;
    banks.transfer(&good, 30).await.unwrap();
    assert_eq!(banks.left(&good).await, (70, 130, 0));

    let bad = banks.account().await;
    let error = banks.transfer(&bad, 2_000).await.unwrap_err();
    assert!(matches!(error, Error::Closure { fate: Fate::RolledBack, .. }), "{error}");
    let ended = timeout(PATIENCE, banks.client.wait(&bad)).await.unwrap().unwrap();
    assert_eq!((ended.status, banks.left(&bad).await), (Status::Failed, (100, 100, 0)));
    app.stop().await.unwrap();
}
