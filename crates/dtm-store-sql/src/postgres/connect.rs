//! Opening a PostgreSQL, and everything that can be wrong with it.

use std::str::FromStr as _;
use std::sync::Arc;

use dtm_store::{Clock, Error};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};

use super::schema;
use crate::SqlConfig;
use crate::config::BESIDES_COMMITTERS;
use crate::connections::Connections;
use crate::fault::Fault;
use crate::server::Server as _;
use crate::session::Session;

/// A PostgreSQL. Committers, claims and heartbeats do not wait behind readers.
#[derive(Debug)]
pub(crate) struct Postgres {
    writers: Connections<sqlx::Postgres>,
    readers: Connections<sqlx::Postgres>,
    clock: Option<Arc<dyn Clock>>,
    pub(super) node_timeout: i64,
}

const CHECK: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only, \
    current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync, \
    current_setting('server_version_num')::integer AS version";

/// The oldest one whose statements these are: 13.
const OLDEST: i32 = 130_000;

impl Postgres {
    pub(crate) async fn open(config: &SqlConfig) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(&config.url)
            .map_err(|error| Error::Fatal(format!("the address of the database cannot be read: {error}")))?
            .application_name("dtm")
            .disable_statement_logging();
        let place = format!("PostgreSQL at {}:{}", options.get_host(), options.get_port());
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
        prepare(&mut connection.connection, &place, config.make_tables).await?;
        writers.keep(connection);
        Ok(Self {
            writers,
            readers: connections(config.connections.get()),
            clock: config.clock.clone(),
            node_timeout: i64::try_from(config.node_timeout.as_millis()).unwrap_or(i64::MAX),
        })
    }

    /// What goes in place of the time of the database: nothing, outside tests.
    pub(super) fn given_now(&self) -> Option<i64> {
        self.clock.as_ref().map(|clock| i64::try_from(clock.now().as_millis()).unwrap_or(i64::MAX))
    }

    pub(super) async fn writer(&self) -> Result<Session<'_, sqlx::Postgres>, Fault> {
        Session::take(&self.writers).await
    }

    pub(super) async fn reader(&self) -> Result<Session<'_, sqlx::Postgres>, Fault> {
        Session::take(&self.readers).await
    }

    pub(super) async fn end(&self) {
        self.writers.close().await;
        self.readers.close().await;
    }
}

/// Why there is no connection.
fn unusable(place: &str, fault: Fault, error: Option<&sqlx::Error>) -> Error {
    let detail = error.map_or_else(|| fault.of(place).to_string(), ToString::to_string);
    if let Some(sqlx::Error::Database(error)) = error
        && error.code().as_deref() == Some("53300")
    {
        return Error::Fatal(format!(
            "cannot use {place}: {detail}; raise max_connections, or lower Store.MaxOpenConns of its servers"
        ));
    }
    let Some(error) = error.filter(|error| !sqlx::Postgres::may_pass(error)) else {
        return Error::Fatal(format!(
            "cannot reach {place}: {detail}; check that it runs, the host and port of the store, and firewalls between"
        ));
    };
    let what_to_do = match error {
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("28P01" | "28000") => "check user and password of the store, and pg_hba.conf",
            Some("3D000") => "create the database",
            _ => "see the log of PostgreSQL",
        },
        sqlx::Error::Tls(_) | sqlx::Error::Io(_) => {
            "check Store.Tls, Store.TlsCa and the certificate of the database"
        }
        _ => "check the address of the store",
    };
    Error::Fatal(format!("cannot use {place}: {detail}; {what_to_do}"))
}

/// What has to hold before the first transaction is accepted.
async fn prepare(connection: &mut PgConnection, place: &str, make: bool) -> Result<(), Error> {
    let failed = |error: sqlx::Error| fatal(place, error);
    connection.ping().await.map_err(failed)?;
    let row = sqlx::query(CHECK).fetch_one(&mut *connection).await.map_err(failed)?;
    let version: i32 = row.try_get("version").map_err(failed)?;
    let encoding: String = row.try_get("encoding").map_err(failed)?;
    let fsync: String = row.try_get("fsync").map_err(failed)?;
    if version < OLDEST {
        return Err(Error::Fatal(format!("{place} is too old ({version}): version 13 or later is needed")));
    }
    if encoding != "UTF8" {
        return Err(Error::Fatal(format!(
            "the database of {place} has the encoding {encoding}: create one with ENCODING 'UTF8'"
        )));
    }
    if fsync == "off" {
        tracing::warn!(
            place,
            "fsync is off: a crash of the database loses transactions that were acknowledged"
        );
    }
    if row.try_get("read_only").map_err(failed)? {
        return Err(Error::Fatal(format!("{place} is read-only: point the store at the primary")));
    }
    schema::bring_up_to_date(connection, place, make).await
}

/// What a failed start says about an error of a statement.
pub(super) fn fatal(place: &str, error: sqlx::Error) -> Error {
    match sqlx::Postgres::connecting(error) {
        Fault::Contended(detail) | Fault::Content(detail) | Fault::Trouble(detail) | Fault::Lost(detail) => {
            Error::Fatal(format!("cannot use {place}: {detail}"))
        }
        Fault::Refused(error) => error,
        Fault::Mismatch => Error::Fatal(format!("cannot use {place}: a row is not as expected")),
        Fault::Duplicate => Error::Fatal(format!("cannot use {place}: a row is there already")),
        Fault::Closed => Error::Closed,
    }
}
