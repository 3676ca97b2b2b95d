//! Opening a MariaDB or MySQL, and everything that can be wrong with it.

use std::str::FromStr as _;
use std::sync::Arc;

use dtm_store::{Clock, Error};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions as _, MySqlConnection, Row as _};

use super::error::number;
use super::schema;
use super::sql::{BEGIN_NOW, GIVE_NOW, SET_NOW};
use super::trans::Statements;
use crate::SqlConfig;
use crate::config::BESIDES_COMMITTERS;
use crate::connections::Connections;
use crate::fault::Fault;
use crate::server::Server as _;
use crate::session::Session;

/// A MariaDB or MySQL. Committers, claims and heartbeats do not wait behind readers.
#[derive(Debug)]
pub(crate) struct MySql {
    writers: Connections<sqlx::MySql>,
    readers: Connections<sqlx::MySql>,
    clock: Option<Arc<dyn Clock>>,
    pub(super) node_timeout: i64,
    pub(super) statements: Statements,
    /// The longest text that a statement can carry.
    pub(super) text_max: usize,
}

const CHECK: &str = "SELECT CAST(@@global.read_only AS SIGNED) AS read_only, \
    CAST(@@global.innodb_flush_log_at_trx_commit AS SIGNED) AS flush, \
    CAST(@@max_allowed_packet AS SIGNED) AS packet, DATABASE() IS NOT NULL AS chosen";

const SKIPPING: &str = "SELECT id FROM dtm_transaction WHERE id = 0 FOR UPDATE SKIP LOCKED";

/// A statement that is not understood; that is understood and not supported; the same in TiDB.
const CANNOT: [u16; 3] = [1064, 1235, 8200];

/// What a statement has besides the text of one row.
const AROUND: i64 = 64 << 10;

/// More than there are statements in all sizes.
const PREPARED_MAX: usize = 600;

impl MySql {
    pub(crate) async fn open(config: &SqlConfig) -> Result<Self, Error> {
        // what sqlx calls it
        let url = config.url.replacen("mariadb:", "mysql:", 1);
        let options = MySqlConnectOptions::from_str(&url)
            .map_err(|error| Error::Fatal(format!("the address of the database cannot be read: {error}")))?
            .statement_cache_capacity(PREPARED_MAX)
            .disable_statement_logging();
        let place = place(&options);
        let connections = |limit: usize| {
            Connections::new(
                options.clone(),
                config.connect_timeout,
                config.statement_timeout,
                config.connection_age_max,
                limit,
            )
        };
        let writers = connections(config.committers.get().saturating_add(BESIDES_COMMITTERS));
        let mut connection =
            writers.connect().await.map_err(|(fault, error)| unusable(&place, fault, error.as_ref()))?;
        let packet = prepare(&mut connection.connection, &place, config.make_tables).await?;
        let skip_locked = match config.skip_locked {
            Some(skip_locked) => skip_locked,
            None => skips_locked(&mut connection.connection, &place).await?,
        };
        writers.keep(connection);
        Ok(Self {
            writers,
            readers: connections(config.connections.get()),
            clock: config.clock.clone(),
            node_timeout: i64::try_from(config.node_timeout.as_millis()).unwrap_or(i64::MAX),
            statements: Statements::new(skip_locked),
            text_max: usize::try_from(packet.saturating_sub(AROUND)).unwrap_or(0),
        })
    }

    /// What goes in place of the time of the database: nothing, outside tests.
    pub(super) fn given_now(&self) -> Option<i64> {
        self.clock.as_ref().map(|clock| i64::try_from(clock.now().as_millis()).unwrap_or(i64::MAX))
    }

    pub(super) async fn writer(&self) -> Result<Session<'_, sqlx::MySql>, Fault> {
        Session::take(&self.writers).await
    }

    pub(super) async fn reader(&self) -> Result<Session<'_, sqlx::MySql>, Fault> {
        Session::take(&self.readers).await
    }

    /// Begins a transaction, and sets the time that its statements go by.
    pub(super) async fn begin_now(&self, session: &mut Session<'_, sqlx::MySql>) -> Result<(), Fault> {
        if self.clock.is_none() {
            return session.begin_by(BEGIN_NOW).await;
        }
        session.begin().await?;
        self.set_now(session).await
    }

    /// Sets the time that the statements of a connection go by.
    pub(super) async fn set_now(&self, session: &mut Session<'_, sqlx::MySql>) -> Result<(), Fault> {
        session.rows(sqlx::query(SET_NOW).bind(self.given_now())).await.map(|_| ())
    }

    /// Gives the connection the time of a test, when there is one.
    pub(super) async fn give_now(&self, session: &mut Session<'_, sqlx::MySql>) -> Result<(), Fault> {
        let Some(now) = self.given_now() else { return Ok(()) };
        session.rows(sqlx::query(GIVE_NOW).bind(now)).await.map(|_| ())
    }

    pub(super) async fn end(&self) {
        self.writers.close().await;
        self.readers.close().await;
    }
}

fn place(options: &MySqlConnectOptions) -> String {
    let url = options.to_url_lossy();
    format!("MariaDB/MySQL at {}:{}", url.host_str().unwrap_or("?"), url.port().unwrap_or(3306))
}

/// Why there is no connection.
fn unusable(place: &str, fault: Fault, error: Option<&sqlx::Error>) -> Error {
    let detail = error.map_or_else(|| fault.of(place).to_string(), ToString::to_string);
    if let Some(1040 | 1203 | 1226) = error.and_then(number) {
        return Error::Fatal(format!(
            "cannot use {place}: {detail}; raise max_connections, or lower Store.MaxOpenConns of its servers"
        ));
    }
    let Some(error) = error.filter(|error| !sqlx::MySql::may_pass(error)) else {
        return Error::Fatal(format!(
            "cannot reach {place}: {detail}; check that it runs, the host and port of the store, and firewalls between"
        ));
    };
    let what_to_do = match number(error) {
        Some(1044 | 1045 | 1698) => "check user and password of the store, and its rights on the database",
        Some(1049) => "create the database",
        Some(_) => "see the log of the database",
        None => "check the address of the store, Store.Tls, Store.TlsCa and the certificate of the database",
    };
    Error::Fatal(format!("cannot use {place}: {detail}; {what_to_do}"))
}

/// What has to hold before the first transaction is accepted. Gives the longest statement in bytes.
async fn prepare(connection: &mut MySqlConnection, place: &str, make: bool) -> Result<i64, Error> {
    let failed = |error: sqlx::Error| fatal(place, error);
    let row = sqlx::query(CHECK).fetch_one(&mut *connection).await.map_err(failed)?;
    if row.try_get::<i64, _>("chosen").map_err(failed)? == 0 {
        return Err(Error::Fatal(format!("the address of the store names no database in {place}")));
    }
    if row.try_get::<i64, _>("read_only").map_err(failed)? != 0 {
        return Err(Error::Fatal(format!("{place} is read-only: point the store at the primary")));
    }
    if row.try_get::<i64, _>("flush").map_err(failed)? != 1 {
        tracing::warn!(
            place,
            "innodb_flush_log_at_trx_commit is not 1: a crash of the database loses transactions that were acknowledged"
        );
    }
    schema::bring_up_to_date(connection, place, make).await?;
    row.try_get("packet").map_err(failed)
}

/// Whether the database can step over rows that others have locked: not MySQL before 8.0, MariaDB before 10.6, TiDB.
async fn skips_locked(connection: &mut MySqlConnection, place: &str) -> Result<bool, Error> {
    match sqlx::raw_sql(SKIPPING).execute(connection).await {
        Ok(_) => Ok(true),
        Err(error) if number(&error).is_some_and(|number| CANNOT.contains(&number)) => {
            tracing::warn!(
                place,
                "this database has no SKIP LOCKED: servers that look for due transactions at the same time wait for each other"
            );
            Ok(false)
        }
        Err(error) => Err(fatal(place, error)),
    }
}

/// What a failed start says about an error of a statement.
pub(super) fn fatal(place: &str, error: sqlx::Error) -> Error {
    match sqlx::MySql::connecting(error) {
        Fault::Contended(detail) | Fault::Content(detail) | Fault::Trouble(detail) | Fault::Lost(detail) => {
            Error::Fatal(format!("cannot use {place}: {detail}"))
        }
        Fault::Refused(error) => error,
        Fault::Mismatch => Error::Fatal(format!("cannot use {place}: a row is not as expected")),
        Fault::Duplicate => Error::Fatal(format!("cannot use {place}: a row is there already")),
        Fault::Closed => Error::Closed,
    }
}
