//! Handlers as users write them: they compile, which says that the futures of the barrier are `Send`, and they work.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use dtm_barrier::{BranchBarrier, BranchError, BranchResult, Called, Done, Entry};
use sqlx::{MySqlPool, PgPool, SqlitePool};
use tower_service::Service as _;

use crate::bank::Bank as _;

struct Shop {
    name: String,
    mysql: MySqlPool,
    postgres: PgPool,
    sqlite: SqlitePool,
}

/// One call that changes three databases, with what it borrows from outside the closures.
async fn everywhere(
    State(shop): State<Arc<Shop>>,
    mut barrier: BranchBarrier,
    Json(cents): Json<i64>,
) -> BranchResult {
    let name = &shop.name;
    barrier
        .call(&shop.mysql, async |connection| {
            sqlx::query("UPDATE account SET cents = cents + ?").bind(cents).execute(&mut *connection).await?;
            sqlx::query("SELECT ?").bind(name).fetch_optional(connection).await?;
            Ok(())
        })
        .await?;
    let paid = barrier
        .call(&shop.postgres, async |connection| {
            let paid: i64 = sqlx::query_scalar("UPDATE account SET cents = cents + $1 RETURNING cents")
                .bind(cents)
                .fetch_one(connection)
                .await?;
            if paid < 0 {
                return Err(BranchError::roll_back(format!("{name} has too little")));
            }
            Ok(paid)
        })
        .await?;
    assert!(matches!(paid, Called::Ran(_) | Called::NothingToDo(_)));
    let transaction = shop.sqlite.begin().await?;
    barrier
        .call_in(transaction, async move |connection| {
            sqlx::query("UPDATE account SET cents = cents + ?").bind(cents).execute(connection).await?;
            Ok(())
        })
        .await?;
    Ok(Done)
}

async fn by_hand(State(pool): State<SqlitePool>, mut barrier: BranchBarrier) -> BranchResult {
    let mut transaction = pool.begin().await?;
    if barrier.enter(&mut *transaction).await? == Entry::First {
        sqlx::query("UPDATE account SET cents = cents + 1").execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(Done)
}

async fn query_prepared(State(pool): State<SqlitePool>, barrier: BranchBarrier) -> BranchResult {
    barrier.query_prepared(&pool).await
}

async fn status(router: &Router, method: &str, path_and_query: &str) -> StatusCode {
    let request =
        Request::builder().method(method).uri(path_and_query).header("content-type", "application/json");
    router.clone().call(request.body(Body::from("7")).unwrap()).await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_of_one_database_works_and_is_safe_against_repetitions() {
    let stage = sqlx::Sqlite::open().await.unwrap();
    let router = Router::new()
        .route("/by-hand", post(by_hand))
        .route("/query-prepared", get(query_prepared))
        .with_state(stage.pool.clone());
    for _ in 0..2 {
        let answer = status(&router, "POST", "/by-hand?gid=g&branch_id=01&op=action&trans_type=saga").await;
        assert_eq!(answer, StatusCode::OK);
    }
    assert_eq!(stage.balance().await, 1);
    let answer = status(&router, "GET", "/query-prepared?gid=m&branch_id=00&op=msg&trans_type=msg").await;
    assert_eq!(answer, StatusCode::CONFLICT, "nothing has committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_may_change_several_databases() {
    let (Some(mysql), Some(postgres)) = (sqlx::MySql::open().await, sqlx::Postgres::open().await) else {
        return;
    };
    let sqlite = sqlx::Sqlite::open().await.unwrap();
    for table in [
        dtm_barrier::sql::create_table(&mysql.pool).await,
        dtm_barrier::sql::create_table(&postgres.pool).await,
    ] {
        table.unwrap();
    }
    let gid = mysql.table.to_string();
    let shop = Shop {
        name: "shop".to_owned(),
        mysql: mysql.pool.clone(),
        postgres: postgres.pool.clone(),
        sqlite: sqlite.pool.clone(),
    };
    let router = Router::new().route("/everywhere", post(everywhere)).with_state(Arc::new(shop));
    for (op, cents) in [("action", 7), ("compensate", 14), ("action", 14)] {
        for _ in 0..2 {
            let call = format!("/everywhere?gid={gid}&branch_id=01&op={op}&trans_type=saga");
            assert_eq!(status(&router, "POST", &call).await, StatusCode::OK);
            assert_eq!(mysql.balance().await, cents);
            assert_eq!(postgres.balance().await, cents);
            assert_eq!(sqlite.balance().await, cents);
        }
    }
    sqlx::query("DELETE FROM dtm_barrier.barrier WHERE gid = ?")
        .bind(&gid)
        .execute(&mysql.pool)
        .await
        .unwrap();
    sqlx::query("DELETE FROM dtm_barrier.barrier WHERE gid = $1")
        .bind(&gid)
        .execute(&postgres.pool)
        .await
        .unwrap();
}
