//! A schema of its own for each case, in the database of the service.

use std::sync::atomic::{AtomicU32, Ordering};

use dtm_store_sql::SqlConfig;
use dtm_testkit::outside::Service;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::services;

/// An empty schema, dropped at the end.
pub(crate) struct Schema {
    service: Service,
    name: String,
}

impl Schema {
    /// `None` when there is no server.
    pub(crate) async fn create() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let service = services::postgres()?;
        let name = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let schema = Self { service, name };
        schema.execute_in_database(format!("CREATE SCHEMA {}", schema.name)).await;
        Some(schema)
    }

    /// Where the server listens.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.service["POSTGRES_HOST"], self.service["POSTGRES_PORT"])
    }

    fn address(&self, user: &str, place: &str) -> String {
        format!("postgres://{user}@{place}/{}", self.service["POSTGRES_DATABASE"])
    }

    fn owner(&self) -> String {
        format!("{}:{}", self.service["POSTGRES_USER"], self.service["POSTGRES_PASSWORD"])
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A store in this schema, for the user and password of that text, at the server or a proxy before it.
    pub(crate) fn config_of(&self, user: &str, place: &str) -> SqlConfig {
        SqlConfig::new(format!("{}?options[search_path]={}", self.address(user, place), self.name))
    }

    pub(crate) fn config_at(&self, place: &str) -> SqlConfig {
        self.config_of(&self.owner(), place)
    }

    pub(crate) fn config(&self) -> SqlConfig {
        self.config_at(&self.place())
    }

    /// A user without any right but to connect, whose name is also the password.
    pub(crate) async fn stranger(&self) -> Stranger<'_> {
        let name = format!("stranger_{}", self.name);
        self.execute(format!("CREATE ROLE {name} LOGIN PASSWORD '{name}'")).await;
        Stranger { schema: self, name }
    }

    /// A connection beside the store.
    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.config().url).await.unwrap()
    }

    pub(crate) async fn execute(&self, statement: impl Into<String>) -> u64 {
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(statement.into())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        done.rows_affected()
    }

    async fn execute_in_database(&self, statement: String) {
        let mut connection =
            PgConnection::connect(&self.address(&self.owner(), &self.place())).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// See [`Schema::stranger`]. The role is left to [`Stranger::end`].
pub(crate) struct Stranger<'a> {
    schema: &'a Schema,
    pub(crate) name: String,
}

impl Stranger<'_> {
    pub(crate) fn config(&self) -> SqlConfig {
        self.schema.config_of(&format!("{0}:{0}", self.name), &self.schema.place())
    }

    pub(crate) async fn end(self) {
        self.schema.execute(format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name)).await;
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (address, name) = (self.address(&self.owner(), &self.place()), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&address).await.unwrap();
                let statement = format!("DROP SCHEMA {name} CASCADE");
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
            });
        });
        if dropping.join().is_err() {
            eprintln!("the schema {} is left behind", self.name);
        }
    }
}
