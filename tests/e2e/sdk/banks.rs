//! Two banks in two databases: accounts, and a row for each effect, which nothing keeps from being written twice: what a barrier
//! has missed is seen.

use std::collections::{BTreeMap, HashMap};

use dtm_barrier::BranchOp;
use dtm_barrier::sql::create_table;
use dtm_barrier::xa::prepared;
use serde::{Deserialize, Serialize};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, MySqlConnection, MySqlPool, PgConnection, PgPool};

use crate::harness::databases;

/// Accounts in each bank.
pub(super) const ACCOUNTS: i64 = 200;

/// What is in each account at the beginning.
pub(super) const CENTS: i64 = 1_000_000;

const TABLES: &str = "CREATE TABLE account (id bigint PRIMARY KEY, cents bigint NOT NULL, frozen bigint NOT NULL); \
     CREATE TABLE effect (gid varchar(128) NOT NULL, what varchar(64) NOT NULL)";

/// How to reach the two databases, for a process to be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Addresses {
    mysql: String,
    postgres: String,
    /// The database in MariaDB, the schema in PostgreSQL.
    name: String,
}

/// One of the two banks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Bank {
    Mysql,
    Postgres,
}

impl Bank {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
        }
    }
}

pub(super) struct Banks {
    pub(super) mysql: MySqlPool,
    pub(super) postgres: PgPool,
}

/// A change of one account, and the trace that it leaves.
#[derive(Debug)]
pub(super) struct Booking<'a> {
    pub(super) gid: &'a str,
    pub(super) what: &'a str,
    pub(super) account: i64,
    pub(super) cents: i64,
    pub(super) frozen: i64,
}

impl<'a> Booking<'a> {
    /// What an operation does to an account: a try freezes what a confirm moves and a cancel sets free.
    pub(super) const fn of(gid: &'a str, what: &'a str, op: BranchOp, account: i64, cents: i64) -> Self {
        let (cents, frozen) = match op {
            BranchOp::Try => (0, cents),
            BranchOp::Confirm => (cents, -cents),
            BranchOp::Cancel => (0, -cents),
            BranchOp::Compensate | BranchOp::Rollback => (-cents, 0),
            _ => (cents, 0),
        };
        Self { gid, what, account, cents, frozen }
    }
}

/// How often each effect of a transaction is there.
pub(super) type Effects = BTreeMap<String, usize>;

impl Addresses {
    /// New banks of that name; `None`, after saying so, when a database does not run.
    pub(super) async fn make(name: &str) -> Option<Self> {
        let (mysql, postgres) = (databases::mariadb()?, databases::postgres()?);
        let addresses = Self { mysql, postgres, name: name.to_owned() };
        let around = MySqlPool::connect(&addresses.mysql).await.expect("MariaDB can be reached");
        let statement = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(statement).execute(&around).await.expect("a database can be made");
        let around = PgPool::connect(&addresses.postgres).await.expect("PostgreSQL can be reached");
        let statement = AssertSqlSafe(format!("CREATE SCHEMA {name}"));
        sqlx::raw_sql(statement).execute(&around).await.expect("a schema can be made");
        addresses.open().await.fill().await;
        Some(addresses)
    }

    /// Connects, on demand.
    pub(super) async fn open(&self) -> Banks {
        let mysql: MySqlConnectOptions = self.mysql.parse().expect("an address");
        let postgres: PgConnectOptions = self.postgres.parse().expect("an address");
        Banks {
            mysql: MySqlPoolOptions::new()
                .max_connections(8)
                .after_connect(|connection, _| {
                    // Shorter than a call may take: a call that was given up would hold its connection, and its locks, until
                    // the wait is over, and those that release the locks would find no connection.
                    Box::pin(async {
                        let limit = sqlx::query("SET innodb_lock_wait_timeout = 2");
                        limit.execute(connection).await.map(|_| ())
                    })
                })
                .connect_lazy_with(mysql.database(&self.name)),
            postgres: PgPoolOptions::new()
                .max_connections(8)
                .connect_lazy_with(postgres.options([("search_path", &self.name)])),
        }
    }

    /// The same for the drivers of Go, by the name of the bank.
    pub(super) fn for_go(&self, bank: Bank) -> String {
        let name = &self.name;
        match bank {
            Bank::Mysql => {
                let (user, place) =
                    self.mysql["mysql://".len()..].split_once('@').expect("an address has a user");
                let (place, _) = place.split_once('/').expect("an address has a database");
                format!("{user}@tcp({place})/{name}")
            }
            Bank::Postgres => format!("{}?sslmode=disable&search_path={name}", self.postgres),
        }
    }

    /// Removes everything. After a failure nobody does, so that one can look at it.
    pub(super) async fn remove(&self) {
        let Banks { mysql, postgres } = self.open().await;
        let like = format!("{}%", self.name);
        let rows = "DELETE FROM dtm_barrier.barrier WHERE gid LIKE ?";
        // Rows beside them may be locked by the next run; what stays does no harm.
        if let Err(error) = sqlx::query(rows).bind(&like).execute(&mysql).await {
            println!("rows of the barrier stay: {error}");
        }
        let rows = "DELETE FROM dtm_barrier.barrier WHERE gid LIKE $1";
        sqlx::query(rows).bind(&like).execute(&postgres).await.expect("rows can be removed");
        let statement = AssertSqlSafe(format!("DROP DATABASE {}", self.name));
        sqlx::raw_sql(statement).execute(&mysql).await.expect("a database can be removed");
        let statement = AssertSqlSafe(format!("DROP SCHEMA {} CASCADE", self.name));
        sqlx::raw_sql(statement).execute(&postgres).await.expect("a schema can be removed");
    }
}

impl Banks {
    async fn fill(&self) {
        create_table(&self.mysql).await.expect("a barrier table can be made");
        create_table(&self.postgres).await.expect("a barrier table can be made");
        let rows: Vec<_> = (0..ACCOUNTS).map(|id| format!("({id}, {CENTS}, 0)")).collect();
        let accounts = "; INSERT INTO account (id, cents, frozen) VALUES ".to_owned() + &rows.join(", ");
        let statements = TABLES.to_owned() + &accounts;
        sqlx::raw_sql(AssertSqlSafe(statements.clone()))
            .execute(&self.mysql)
            .await
            .expect("tables can be made");
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&self.postgres).await.expect("tables can be made");
    }

    /// Every effect in both banks, by transaction.
    pub(super) async fn effects(&self) -> HashMap<String, Effects> {
        let all = "SELECT gid, what FROM effect";
        let mut rows: Vec<(String, String)> =
            sqlx::query_as(all).fetch_all(&self.mysql).await.expect("effects can be read");
        let others: Vec<(String, String)> =
            sqlx::query_as(all).fetch_all(&self.postgres).await.expect("effects can be read");
        rows.extend(others);
        let mut effects: HashMap<String, Effects> = HashMap::new();
        for (gid, what) in rows {
            *effects.entry(gid).or_default().entry(what).or_default() += 1;
        }
        effects
    }

    /// What is in an account, and frozen.
    pub(super) async fn account(&self, bank: Bank, id: i64) -> (i64, i64) {
        let account = match bank {
            Bank::Mysql => {
                let account = sqlx::query_as("SELECT cents, frozen FROM account WHERE id = ?");
                account.bind(id).fetch_one(&self.mysql).await
            }
            Bank::Postgres => {
                let account = sqlx::query_as("SELECT cents, frozen FROM account WHERE id = $1");
                account.bind(id).fetch_one(&self.postgres).await
            }
        };
        account.expect("the account is there")
    }

    /// What the barrier table has of a transaction: branch, operation, and which operation has inserted the row.
    pub(super) async fn barrier_rows(&self, bank: Bank, gid: &str) -> Vec<(String, String, String)> {
        let rows = match bank {
            Bank::Mysql => {
                let rows =
                    "SELECT branch_id, op, reason FROM dtm_barrier.barrier WHERE gid = ? ORDER BY 1, 2";
                sqlx::query_as(rows).bind(gid).fetch_all(&self.mysql).await
            }
            Bank::Postgres => {
                let rows =
                    "SELECT branch_id, op, reason FROM dtm_barrier.barrier WHERE gid = $1 ORDER BY 1, 2";
                sqlx::query_as(rows).bind(gid).fetch_all(&self.postgres).await
            }
        };
        rows.expect("the barrier table can be read")
    }

    /// Invariants I9 and I10: no money is lost or made, none is left frozen, no branch is left prepared.
    pub(super) async fn assert_sound(&self, run: &str) {
        let sums = "SELECT CAST(SUM(cents) AS signed), CAST(SUM(ABS(frozen)) AS signed) FROM account";
        let mysql: (i64, i64) = sqlx::query_as(sums).fetch_one(&self.mysql).await.expect("a sum");
        let sums = "SELECT CAST(SUM(cents) AS bigint), CAST(SUM(ABS(frozen)) AS bigint) FROM account";
        let postgres: (i64, i64) = sqlx::query_as(sums).fetch_one(&self.postgres).await.expect("a sum");
        let total = 2 * ACCOUNTS * CENTS;
        assert_eq!(mysql.0 + postgres.0, total, "I9: {} and {} cents", mysql.0, postgres.0);
        assert_eq!((mysql.1, postgres.1), (0, 0), "I9: frozen in MariaDB and in PostgreSQL");
        let mut left = prepared(&self.mysql).await.expect("XA RECOVER answers");
        left.extend(prepared(&self.postgres).await.expect("pg_prepared_xacts can be read"));
        left.retain(|it| it.gid.starts_with(run));
        assert!(left.is_empty(), "I10: still prepared: {left:?}");
    }
}

/// In MariaDB.
pub(super) async fn book_mysql(
    connection: &mut MySqlConnection,
    booking: &Booking<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE account SET cents = cents + ?, frozen = frozen + ? WHERE id = ?")
        .bind(booking.cents)
        .bind(booking.frozen)
        .bind(booking.account)
        .execute(&mut *connection)
        .await?;
    let effect =
        sqlx::query("INSERT INTO effect (gid, what) VALUES (?, ?)").bind(booking.gid).bind(booking.what);
    effect.execute(connection).await.map(|_| ())
}

/// In PostgreSQL.
pub(super) async fn book_postgres(
    connection: &mut PgConnection,
    booking: &Booking<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE account SET cents = cents + $1, frozen = frozen + $2 WHERE id = $3")
        .bind(booking.cents)
        .bind(booking.frozen)
        .bind(booking.account)
        .execute(&mut *connection)
        .await?;
    let effect =
        sqlx::query("INSERT INTO effect (gid, what) VALUES ($1, $2)").bind(booking.gid).bind(booking.what);
    effect.execute(connection).await.map(|_| ())
}
