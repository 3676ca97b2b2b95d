//! A database that is not as it should be: the message says what to do.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::Payload;
use dtm_store::{Error, Store as _, TransactionStore as _};
use dtm_store_sql::{SqlConfig, SqlStore};
use dtm_testkit::outside::Private;
use sqlx::{Connection as _, MySqlConnection, Row as _};

use super::support::Database;
use crate::fixtures::{finish, gid, join, saga, saga_with};

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
        ..SqlConfig::new(format!("mariadb://dtm:secret@{place}/dtm"))
    };
    let message = refusal(config).await;
    assert_says(&message, &["cannot reach", &format!("127.0.0.1:{}", place.port()), "check that it runs"]);
}

#[tokio::test]
async fn a_wrong_password_or_database_is_refused_at_once() {
    let Some(database) = Database::create().await else { return };
    let place = database.place();
    let message = refusal(SqlConfig::new(format!("mysql://dtm:secret@{place}/dtm"))).await;
    assert_says(&message, &["check user and password"]);
    let config = |name: &str| {
        let url = database.config().url;
        let (server, _) = url.rsplit_once('/').unwrap();
        SqlConfig::new(format!("{server}/{name}"))
    };
    assert_says(&refusal(config("nowhere")).await, &["nowhere", "create the database"]);
    assert_says(&refusal(config("")).await, &["names no database"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_rights_is_told_which_and_needs_no_more_than_those() {
    let Some(database) = Database::create().await else { return };
    let name = database.name();
    let stranger = SqlConfig::new(format!("mysql://{name}:{name}@{}/{name}", database.place()));
    database.execute(format!("CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{name}'")).await;
    database.execute(format!("GRANT SELECT ON {name}.* TO {name}@'127.0.0.1'")).await;
    assert_says(&refusal(stranger.clone()).await, &["grant", "CREATE, ALTER and INDEX"]);

    // made by somebody who may
    SqlStore::open(database.config()).await.unwrap().close().await.unwrap();
    database.execute(format!("GRANT INSERT, UPDATE, DELETE ON {name}.* TO {name}@'127.0.0.1'")).await;
    let store = SqlStore::open(stranger).await.unwrap();
    let tokens = join(&store, "a").await;
    let new = saga("g", &tokens, true);
    store.create(new.clone()).await.unwrap();
    database.execute(format!("REVOKE UPDATE ON {name}.* FROM {name}@'127.0.0.1'")).await;
    // rights on a database are looked at anew when a connection chooses it
    store.close().await.unwrap();
    let stranger = SqlConfig::new(format!("mysql://{name}:{name}@{}/{name}", database.place()));
    let store = SqlStore::open(stranger).await.unwrap();
    let error = store.commit(finish(&new)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_says(&error.to_string(), &["command denied", "grant the server's user"]);
    store.close().await.unwrap();
    database.execute(format!("DROP USER {name}@'127.0.0.1'")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_connections_are_waited_for_and_then_named() {
    let Some(database) = Database::create().await else { return };
    SqlStore::open(database.config()).await.unwrap().close().await.unwrap();
    let name = database.name();
    database
        .execute(format!("CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{name}' WITH MAX_USER_CONNECTIONS 1"))
        .await;
    database.execute(format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {name}@'127.0.0.1'")).await;
    let stranger = SqlConfig::new(format!("mysql://{name}:{name}@{}/{name}", database.place()));
    let only = MySqlConnection::connect(&stranger.url).await.unwrap();
    let hasty = SqlConfig { connect_timeout: Duration::from_secs(1), ..stranger.clone() };
    assert_says(&refusal(hasty).await, &["max_user_connections", "raise max_connections", "MaxOpenConns"]);
    let opening = tokio::spawn(SqlStore::open(stranger));
    tokio::time::sleep(Duration::from_millis(100)).await;
    only.close().await.unwrap();
    opening.await.unwrap().unwrap().close().await.unwrap();
    database.execute(format!("DROP USER {name}@'127.0.0.1'")).await;
}

/// As after a fail-over of the database: the old primary is a replica now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_becomes_read_only_is_not_ready_and_is_left_for_another_connection() {
    if crate::services::mariadb().is_none() {
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("read-only");
    let server = Private::new("mariadb", &folder);
    let service = server.start().await;
    let url = |user: &str| format!("mysql://{user}:{user}@127.0.0.1:{}/dtm", service["MARIADB_PORT"]);
    let mut operator = MySqlConnection::connect(&url("dtm")).await.unwrap();
    // whoever has all rights may write all the same
    let plain = "CREATE USER plain@127.0.0.1 IDENTIFIED BY 'plain'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, \
        INDEX ON dtm.* TO plain@127.0.0.1; SET GLOBAL read_only = 1";
    sqlx::raw_sql(plain).execute(&mut operator).await.unwrap();
    assert_says(&refusal(SqlConfig::new(url("plain"))).await, &["read-only", "primary"]);
    sqlx::raw_sql("SET GLOBAL read_only = 0").execute(&mut operator).await.unwrap();
    let store = SqlStore::open(SqlConfig::new(url("plain"))).await.unwrap();
    let tokens = join(&store, "a").await;
    store.health().await.unwrap();
    sqlx::raw_sql("SET GLOBAL read_only = 1").execute(&mut operator).await.unwrap();
    let written = store.create(saga("g", &tokens, true)).await.unwrap_err();
    let health = store.health().await.unwrap_err();
    for error in [written, health] {
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert_says(&error.to_string(), &["read-only", "primary"]);
    }
    sqlx::raw_sql("SET GLOBAL read_only = 0").execute(&mut operator).await.unwrap();
    store.create(saga("g", &tokens, true)).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_loses_a_dead_lock_is_executed_again() {
    let Some(database) = Database::create().await else { return };
    let config = SqlConfig { committers: NonZeroUsize::MIN, ..database.config() };
    let store = Arc::new(SqlStore::open(config).await.unwrap());
    let tokens = join(&store, "a").await;
    let new = ["g0", "g1", "g2"].map(|id| saga(id, &tokens, true));
    for new in &new {
        store.create(new.clone()).await.unwrap();
    }
    let (mut first, mut second) = (database.connect().await, database.connect().await);
    lock(&mut first, "START TRANSACTION", "g0").await;
    // whoever has changed less is the victim: that is the store
    let much = "START TRANSACTION; INSERT INTO dtm_branch (transaction_id, position, registration) \
        SELECT -1, seq, '' FROM seq_1_to_200";
    lock(&mut second, much, "g2").await;
    let commit = |index: usize| {
        let (store, commit) = (Arc::clone(&store), finish(&new[index]));
        tokio::spawn(async move { store.commit(commit).await })
    };
    let mut writes = vec![commit(0)];
    waiting(&database).await;
    writes.extend([commit(1), commit(2)]);
    while store.queue_depth() < 3 {
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut first).await.unwrap();
    // the batch has g1 now and waits for g2
    writes.remove(0).await.unwrap().unwrap();
    waiting(&database).await;
    lock(&mut second, "SELECT 1", "g1").await;
    sqlx::raw_sql("ROLLBACK").execute(&mut second).await.unwrap();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    store.close().await.unwrap();
}

pub(super) async fn lock(connection: &mut MySqlConnection, before: &'static str, id: &str) {
    sqlx::raw_sql(before).execute(&mut *connection).await.unwrap();
    let statement = "SELECT id FROM dtm_transaction WHERE gid = ? FOR UPDATE";
    sqlx::query(statement).bind(id.as_bytes()).execute(connection).await.unwrap();
}

/// Waits until a statement on this database waits for a lock. Asked in plain text and without a join: MariaDB 10.11.19
/// crashes now and then when it executes a prepared join of these two tables again. The pause is longer than 100 ms:
/// whoever asks more often keeps `innodb_trx` from being brought up to date, for ever.
async fn waiting(database: &Database) {
    let mut connection = database.connect().await;
    loop {
        let here =
            ids(&mut connection, "SELECT id FROM information_schema.processlist WHERE db = DATABASE()").await;
        let waiting =
            "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
        if !here.is_disjoint(&ids(&mut connection, waiting).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

async fn ids(connection: &mut MySqlConnection, statement: &'static str) -> HashSet<String> {
    let rows = sqlx::raw_sql(statement).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get_unchecked::<String, _>(0)).collect()
}

/// See the conformance of claims without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_skip_locked_a_claim_waits_for_what_others_have_locked() {
    let Some(database) = Database::create().await else { return };
    let config = SqlConfig { skip_locked: Some(false), ..database.config() };
    let store = Arc::new(SqlStore::open(config).await.unwrap());
    let tokens = Arc::new(join(&store, "a").await);
    for id in ["g0", "g1"] {
        store.create(saga(id, &tokens, false)).await.unwrap();
    }
    let mut rival = database.connect().await;
    lock(&mut rival, "START TRANSACTION", "g0").await;
    let claim = tokio::spawn({
        let (store, tokens) = (Arc::clone(&store), Arc::clone(&tokens));
        async move { store.claim_due(&tokens, 10).await }
    });
    waiting(&database).await;
    sqlx::raw_sql(
        "UPDATE dtm_transaction SET due = due + 1, holder = 'b:1', held = 1 WHERE gid = 'g0'; COMMIT",
    )
    .execute(&mut rival)
    .await
    .unwrap();
    let claims = claim.await.unwrap().unwrap();
    let claimed: Vec<&str> = claims.claimed.iter().map(|stored| stored.transaction.gid().as_str()).collect();
    assert_eq!(claimed, ["g1"], "the rival has taken the other one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_waits_too_long_has_changed_nothing() {
    let Some(database) = Database::create().await else { return };
    let config = SqlConfig { statement_timeout: Duration::from_secs(1), ..database.config() };
    let store = SqlStore::open(config).await.unwrap();
    let tokens = join(&store, "a").await;
    let new = saga("g0", &tokens, true);
    store.create(new.clone()).await.unwrap();
    let mut rival = database.connect().await;
    lock(&mut rival, "START TRANSACTION", "g0").await;
    let error = store.commit(finish(&new)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_says(&error.to_string(), &["longer than it may"]);
    sqlx::raw_sql("ROLLBACK").execute(&mut rival).await.unwrap();
    store.commit(finish(&new)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_database_cannot_take_is_refused_before_it_breaks_the_connection() {
    let Some(database) = Database::create().await else { return };
    let store = Arc::new(SqlStore::open(database.config()).await.unwrap());
    let tokens = join(&store, "a").await;
    // max_allowed_packet is 16 MB by default
    let large = saga_with("large", &tokens, Payload::from("x".repeat(17 << 20)));
    let neighbour = saga("neighbour", &tokens, true);
    let (refused, created) = tokio::join!(store.create(large), store.create(neighbour));
    match refused {
        Err(Error::Rejected { what, detail }) => {
            assert_eq!(what, "large");
            assert!(detail.contains("max_allowed_packet"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
    created.unwrap();
    assert!(store.load(&gid("large")).await.unwrap().is_none());
}
