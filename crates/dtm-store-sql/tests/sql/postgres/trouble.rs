//! A database that is not as it should be: the message says what to do.

use std::time::Duration;

use dtm_store::{Error, NodeStore as _, Store as _, TransactionStore as _};
use dtm_store_sql::{SqlConfig, SqlStore};
use sqlx::Row as _;

use super::support::Schema;
use crate::fixtures::{finish, join, saga};

async fn refusal(config: SqlConfig) -> String {
    match SqlStore::open(config).await {
        Err(Error::Fatal(message)) => message,
        other => panic!("the start should have been refused: {other:?}"),
    }
}

fn assert_says(message: &str, texts: &[&str]) {
    for text in texts {
        assert!(message.contains(text), "'{text}' is missing: {message}");
    }
    assert!(!message.contains("secret"), "a password: {message}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_without_the_password() {
    // a port that was free a moment ago
    let place = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let config = SqlConfig {
        connect_timeout: Duration::from_millis(300),
        ..SqlConfig::new(format!("postgres://dtm:secret@{place}/dtm"))
    };
    assert!(!format!("{config:?}").contains("secret"));
    let message = refusal(config).await;
    assert_says(&message, &["cannot reach", &format!("127.0.0.1:{}", place.port()), "check that it runs"]);
}

#[tokio::test]
async fn a_wrong_address_or_password_or_database_is_refused_at_once() {
    let Some(schema) = Schema::create().await else { return };
    assert_says(&refusal(SqlConfig::new("oracle://dtm:secret@db")).await, &["postgres://"]);
    let message = refusal(schema.config_of("dtm:secret", &schema.place())).await;
    assert_says(&message, &["check user and password"]);
    let mut config = schema.config();
    config.url = config.url.replace("/dtm?", "/nowhere?");
    assert_says(&refusal(config).await, &["nowhere", "create the database"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_rights_is_told_which_and_needs_no_more_than_those() {
    let Some(schema) = Schema::create().await else { return };
    let stranger = schema.stranger().await;
    schema.execute(format!("GRANT USAGE ON SCHEMA {} TO {}", schema.name(), stranger.name)).await;
    assert_says(&refusal(stranger.config()).await, &["grant", "CREATE on the schema"]);

    // made by somebody who may
    SqlStore::open(schema.config()).await.unwrap().close().await.unwrap();
    let all = format!("ALL TABLES IN SCHEMA {}", schema.name());
    let rights = "SELECT, INSERT, UPDATE, DELETE";
    schema.execute(format!("GRANT {rights} ON {all} TO {}", stranger.name)).await;
    let store = SqlStore::open(stranger.config()).await.unwrap();
    let tokens = join(&store, "a").await;
    let new = saga("g", &tokens, true);
    store.create(new.clone()).await.unwrap();

    schema.execute(format!("REVOKE UPDATE ON {all} FROM {}", stranger.name)).await;
    let error = store.commit(finish(&new)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_says(&error.to_string(), &["permission denied", "grant the server's user"]);
    schema.execute(format!("GRANT UPDATE ON {all} TO {}", stranger.name)).await;
    store.commit(finish(&new)).await.unwrap();
    store.close().await.unwrap();
    stranger.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_connections_are_waited_for_and_then_named() {
    let Some(schema) = Schema::create().await else { return };
    SqlStore::open(schema.config()).await.unwrap().close().await.unwrap();
    let stranger = schema.stranger().await;
    let name = &stranger.name;
    let rights = format!(
        "GRANT USAGE ON SCHEMA {0} TO {name}; GRANT ALL ON ALL TABLES IN SCHEMA {0} TO {name}",
        schema.name()
    );
    schema.execute(format!("{rights}; ALTER ROLE {name} CONNECTION LIMIT 0")).await;
    let hasty = SqlConfig { connect_timeout: Duration::from_secs(1), ..stranger.config() };
    assert_says(&refusal(hasty).await, &["too many connections", "raise max_connections", "MaxOpenConns"]);
    let opening = tokio::spawn(SqlStore::open(stranger.config()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    schema.execute(format!("ALTER ROLE {name} CONNECTION LIMIT -1")).await;
    opening.await.unwrap().unwrap().close().await.unwrap();
    stranger.end().await;
}

/// As after a fail-over of the database: the old primary is a replica now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_becomes_read_only_is_not_ready_and_is_left_for_another_connection() {
    let Some(schema) = Schema::create().await else { return };
    let store = SqlStore::open(schema.config()).await.unwrap();
    let tokens = join(&store, "a").await;
    store.close().await.unwrap();
    let stranger = schema.stranger().await;
    let name = &stranger.name;
    schema
        .execute(format!(
            "GRANT USAGE ON SCHEMA {0} TO {name}; GRANT ALL ON ALL TABLES IN SCHEMA {0} TO {name}; \
             ALTER ROLE {name} SET default_transaction_read_only = on",
            schema.name()
        ))
        .await;
    assert_says(&refusal(stranger.config()).await, &["read-only", "primary"]);

    schema.execute(format!("ALTER ROLE {name} SET default_transaction_read_only = off")).await;
    let store = SqlStore::open(stranger.config()).await.unwrap();
    store.health().await.unwrap();
    // connections that are made from now on
    schema.execute(format!("ALTER ROLE {name} SET default_transaction_read_only = on")).await;
    end_idle(&schema, name).await;
    let written = store.create(saga("g", &tokens, true)).await.unwrap_err();
    let health = store.health().await.unwrap_err();
    for error in [written, health] {
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert_says(&error.to_string(), &["read-only", "primary"]);
    }
    schema.execute(format!("ALTER ROLE {name} SET default_transaction_read_only = off")).await;
    store.create(saga("g", &tokens, true)).await.unwrap();
    store.close().await.unwrap();
    stranger.end().await;
}

/// Ends the idle connections of a user and waits until the store would notice.
async fn end_idle(schema: &Schema, user: &str) {
    let statement = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1";
    sqlx::query(statement).bind(user).execute(&mut schema.connect().await).await.unwrap();
    // a connection that was used less than a second ago is not asked before it is used
    tokio::time::sleep(Duration::from_millis(1_100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_loses_a_dead_lock_is_executed_again() {
    let Some(schema) = Schema::create().await else { return };
    let config = SqlConfig { committers: std::num::NonZeroUsize::MIN, ..schema.config() };
    let store = std::sync::Arc::new(SqlStore::open(config).await.unwrap());
    let tokens = join(&store, "a").await;
    let new = ["g0", "g1", "g2"].map(|id| saga(id, &tokens, true));
    for new in &new {
        store.create(new.clone()).await.unwrap();
    }
    // two rivals; the server looks for a dead-lock on behalf of whoever has waited for a second: that is the store
    let (mut first, mut second) = (schema.connect().await, schema.connect().await);
    lock(&mut first, "BEGIN; SET LOCAL deadlock_timeout = '60s'", "g0").await;
    lock(&mut second, "BEGIN; SET LOCAL deadlock_timeout = '60s'", "g2").await;
    let commit = |index: usize| {
        let (store, commit) = (std::sync::Arc::clone(&store), finish(&new[index]));
        tokio::spawn(async move { store.commit(commit).await })
    };
    let mut writes = vec![commit(0)];
    waiting(&schema, 1).await;
    writes.extend([commit(1), commit(2)]);
    while store.queue_depth() < 3 {
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut first).await.unwrap();
    // the batch has g1 now and waits for g2
    assert_eq!(writes.remove(0).await.unwrap().map_err(|error| error.to_string()), Ok(()));
    waiting(&schema, 1).await;
    lock(&mut second, "SELECT 1", "g1").await;
    sqlx::raw_sql("ROLLBACK").execute(&mut second).await.unwrap();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    store.close().await.unwrap();
}

async fn lock(connection: &mut sqlx::PgConnection, before: &'static str, id: &str) {
    sqlx::raw_sql(before).execute(&mut *connection).await.unwrap();
    let statement = "UPDATE dtm_transaction SET updated = updated WHERE gid = $1";
    sqlx::query(statement).bind(id).execute(connection).await.unwrap();
}

/// Waits until so many statements on this schema wait for a lock.
async fn waiting(schema: &Schema, count: i64) {
    let statement = "SELECT count(DISTINCT a.pid) AS count FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid \
        WHERE a.wait_event_type = 'Lock' AND l.relation = (current_schema() || '.dtm_transaction')::regclass";
    let mut connection = schema.connect().await;
    loop {
        let row = sqlx::query(statement).fetch_one(&mut connection).await.unwrap();
        if row.get::<i64, _>("count") == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_waits_too_long_has_changed_nothing() {
    let Some(schema) = Schema::create().await else { return };
    let config = SqlConfig { statement_timeout: Duration::from_millis(300), ..schema.config() };
    let store = SqlStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    let new = saga("g0", &tokens, true);
    store.create(new.clone()).await.unwrap();
    let mut rival = schema.connect().await;
    lock(&mut rival, "BEGIN", "g0").await;
    let error = store.commit(finish(&new)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_says(&error.to_string(), &["57014", "longer than it may"]);
    sqlx::raw_sql("ROLLBACK").execute(&mut rival).await.unwrap();
    store.commit(finish(&new)).await.unwrap();
    store.leave(tokens.node(), tokens.epoch()).await.unwrap();
}
