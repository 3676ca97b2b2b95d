//! The store in a database.

use std::sync::Arc;
use std::time::Duration;

use dtm_store::Error;

use crate::SqlConfig;
use crate::database::Database;
use crate::fault::Fault;
use crate::lease::{KnownDamage, Unsettled};
use crate::mysql::MySql;
use crate::operation::Operation;
use crate::postgres::Postgres;
use crate::queues::Queues;

/// A store in a database, shared by any number of servers.
///
/// Whatever has returned `Ok` is committed, with the durability that the database is set up for. An answer that was
/// lost is [`Error::Unavailable`]: the caller reads again before it decides.
#[derive(Debug)]
pub struct SqlStore {
    database: Arc<dyn Database>,
    queues: Queues,
    known: KnownDamage,
    unsettled: Unsettled,
}

impl SqlStore {
    /// Opens the store; makes or upgrades its tables when that is needed. Needs a tokio runtime. Tries for
    /// `connect_timeout` to reach the database.
    ///
    /// # Errors
    /// [`Error::Fatal`] when the database cannot be used: not reachable, a wrong password, a right that is missing,
    /// read-only, not UTF-8, or tables of a newer server. The message says what to do.
    pub async fn open(config: SqlConfig) -> Result<Self, Error> {
        let scheme = config.url.split(':').next().unwrap_or("");
        let database: Arc<dyn Database> = match scheme {
            "postgres" | "postgresql" => Arc::new(Postgres::open(&config).await?),
            "mysql" | "mariadb" => Arc::new(MySql::open(&config).await?),
            _ => {
                return Err(Error::Fatal(
                    "the address of the database has to begin with postgres://, mysql:// or mariadb://"
                        .to_owned(),
                ));
            }
        };
        let queues = Queues::start(&database, &config);
        let unsettled = Unsettled::new(config.statement_timeout * 2 + Duration::from_secs(10));
        Ok(Self { database, queues, known: KnownDamage::default(), unsettled })
    }

    pub(crate) fn database(&self) -> &dyn Database {
        &*self.database
    }

    pub(crate) const fn queues(&self) -> &Queues {
        &self.queues
    }

    pub(crate) const fn known(&self) -> &KnownDamage {
        &self.known
    }

    pub(crate) const fn unsettled(&self) -> &Unsettled {
        &self.unsettled
    }

    pub(crate) async fn write(&self, operation: Operation) -> Result<(), Error> {
        self.queues.submit(operation).await
    }

    /// Has a call executed until it neither loses against others nor may be tried again.
    pub(crate) async fn call<'a, T>(
        &'a self,
        what: &str,
        call: impl Fn(&'a dyn Database) -> std::pin::Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>,
    ) -> Result<T, Error> {
        let mut attempt = 0;
        loop {
            match call(self.database()).await {
                Ok(value) => return Ok(value),
                Err(fault) if fault.again(&mut attempt).await => {}
                Err(fault) => return Err(fault.of(what)),
            }
        }
    }

    pub(crate) async fn shut(&self) {
        self.queues.close().await;
        self.database.close().await;
    }
}
