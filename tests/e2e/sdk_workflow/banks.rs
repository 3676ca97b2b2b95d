//! An account in each database, for steps of XA.

use std::sync::atomic::{AtomicU32, Ordering};

use dtm_barrier::sql::create_table;
use dtm_barrier::xa::{XaDatabase, prepared};
use sqlx::{Error, MySql, MySqlConnection, MySqlPool, PgConnection, PgPool, Pool, Postgres};

use crate::harness::databases;

/// What the cases need of a database.
pub(super) trait Bank: XaDatabase {
    /// `None`, after saying so, when the database does not run.
    async fn open() -> Option<Pool<Self>>;
    /// Opens an account with 100 cents, named by its transaction.
    async fn open_account(pool: &Pool<Self>, gid: &str);
    fn add(
        connection: &mut Self::Connection,
        gid: &str,
        cents: i64,
    ) -> impl Future<Output = Result<(), Error>> + Send;
    async fn balance(pool: &Pool<Self>, gid: &str) -> i64;
    /// The connection breaks.
    fn end_connection(connection: &mut Self::Connection) -> impl Future<Output = Result<(), Error>> + Send;
    /// Removes what a transaction has left.
    async fn remove(pool: &Pool<Self>, gid: &str);
}

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS workflow_account (name varchar(64) PRIMARY KEY, cents bigint NOT NULL)";

macro_rules! bank {
    ($DB:ty, $Pool:ty, $Connection:ty, $url:path, $first:literal, $second:literal, $kill:literal) => {
        impl Bank for $DB {
            async fn open() -> Option<$Pool> {
                let pool = <$Pool>::connect(&$url()?).await.unwrap();
                create_table(&pool).await.unwrap();
                // two that make the same table in PostgreSQL at the same time get in each other's way
                sqlx::raw_sql(TABLE).execute(&pool).await.ok();
                Some(pool)
            }

            async fn open_account(pool: &$Pool, gid: &str) {
                let open = concat!("INSERT INTO workflow_account (name, cents) VALUES (", $first, ", 100)");
                sqlx::query(open).bind(gid).execute(pool).await.unwrap();
            }

            async fn add(connection: &mut $Connection, gid: &str, cents: i64) -> Result<(), Error> {
                let change = concat!(
                    "UPDATE workflow_account SET cents = cents + ",
                    $first,
                    " WHERE name = ",
                    $second
                );
                sqlx::query(change).bind(cents).bind(gid).execute(connection).await.map(drop)
            }

            async fn balance(pool: &$Pool, gid: &str) -> i64 {
                let balance = concat!("SELECT cents FROM workflow_account WHERE name = ", $first);
                sqlx::query_scalar(balance).bind(gid).fetch_one(pool).await.unwrap()
            }

            async fn end_connection(connection: &mut $Connection) -> Result<(), Error> {
                sqlx::raw_sql($kill).execute(connection).await.map(drop)
            }

            async fn remove(pool: &$Pool, gid: &str) {
                for remove in [
                    concat!("DELETE FROM workflow_account WHERE name = ", $first),
                    concat!("DELETE FROM dtm_barrier.barrier WHERE gid = ", $first),
                ] {
                    sqlx::query(remove).bind(gid).execute(pool).await.unwrap();
                }
            }
        }
    };
}

bank!(MySql, MySqlPool, MySqlConnection, databases::mariadb, "?", "?", "KILL CONNECTION_ID()");
bank!(
    Postgres,
    PgPool,
    PgConnection,
    databases::postgres,
    "$1",
    "$2",
    "SELECT pg_terminate_backend(pg_backend_pid())"
);

/// Names of prepared transactions are those of the whole database server.
pub(super) fn new_gid() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("wf-xa-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The branches that are prepared.
pub(super) async fn prepared_of<DB: Bank>(pool: &Pool<DB>, gid: &str) -> Vec<String> {
    let all = prepared(pool).await.unwrap();
    all.into_iter().filter(|it| it.gid == gid).map(|it| it.branch_id).collect()
}

/// Removes what a transaction has left in a database; nothing of it is prepared any more.
pub(super) async fn clear<DB: Bank>(pool: &Pool<DB>, gid: &str) {
    assert!(prepared_of(pool, gid).await.is_empty(), "{gid} is prepared");
    DB::remove(pool, gid).await;
}
