//! A database of its own for each case, in the service.

use std::sync::atomic::{AtomicU32, Ordering};

use dtm_store_sql::SqlConfig;
use dtm_testkit::outside::Service;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use crate::services;

/// An empty database, dropped at the end.
pub(crate) struct Database {
    service: Service,
    name: String,
}

impl Database {
    /// `None` when there is no server.
    pub(crate) async fn create() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let service = services::mariadb()?;
        let name = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let database = Self { service, name };
        let mut connection =
            MySqlConnection::connect(&database.address("", &database.place())).await.unwrap();
        let statement = format!("CREATE DATABASE {} CHARACTER SET latin1", database.name);
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        Some(database)
    }

    /// Where the server listens.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.service["MARIADB_HOST"], self.service["MARIADB_PORT"])
    }

    fn address(&self, name: &str, place: &str) -> String {
        format!(
            "mysql://{}:{}@{place}/{name}",
            self.service["MARIADB_USER"], self.service["MARIADB_PASSWORD"]
        )
    }

    /// A store in this database, at the server or a proxy before it.
    pub(crate) fn config_at(&self, place: &str) -> SqlConfig {
        SqlConfig::new(self.address(&self.name, place))
    }

    pub(crate) fn config(&self) -> SqlConfig {
        self.config_at(&self.place())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) async fn execute(&self, statement: impl Into<String>) -> u64 {
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(statement.into())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        done.rows_affected()
    }

    /// A connection beside the store.
    pub(crate) async fn connect(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.config().url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (address, name) = (self.address("", &self.place()), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = MySqlConnection::connect(&address).await.unwrap();
                let statement = format!("DROP DATABASE {name}");
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
            });
        });
        if dropping.join().is_err() {
            eprintln!("the database {} is left behind", self.name);
        }
    }
}
