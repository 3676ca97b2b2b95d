//! Reaching a PostgreSQL, and what each connection is set to.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dtm_store::{Clock, Error};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use super::error::connecting;
use super::schema;
use super::session::Session;
use crate::SqlConfig;
use crate::fault::Fault;

/// A PostgreSQL. Committers, and what must not wait behind readers, have connections of their own.
#[derive(Debug)]
pub(crate) struct Postgres {
    writers: PgPool,
    readers: PgPool,
    clock: Option<Arc<dyn Clock>>,
    pub(super) node_timeout: i64,
    timeout: Duration,
}

/// Plans that are right for small tables as well as for large ones, made once a connection: without these settings
/// a plan that was made while a table was still empty reads all of it later. And what acknowledged means: on disk.
///
/// One statement, because a pooler between us and the server counts them.
const SETTINGS: &str = "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false), \
    set_config('enable_mergejoin', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false), \
    set_config('jit', 'off', false), \
    set_config('default_transaction_isolation', 'read committed', false), \
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' \
        ELSE current_setting('synchronous_commit') END, false), \
    set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $1, false)";

const CHECK: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only, \
    current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync, \
    current_setting('server_version_num')::integer AS version";

/// The oldest one that is tested with: 13.
const OLDEST: i32 = 130_000;

/// How many connections are for claims and heartbeats.
const BESIDES_COMMITTERS: u32 = 2;

impl Postgres {
    pub(crate) async fn open(config: &SqlConfig) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(&config.url)
            .map_err(|error| Error::Fatal(format!("the address of the database cannot be read: {error}")))?
            .application_name("dtm")
            .disable_statement_logging();
        let place = format!("PostgreSQL at {}:{}", options.get_host(), options.get_port());
        let mut connection = reach(&options, &place, config.connect_timeout).await?;
        let prepared = prepare(&mut connection, &place, config.statement_timeout).await;
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "the connection of the start did not end in order");
        }
        prepared?;
        let pool = |connections: u32| pool(&options, config, connections);
        let committers = u32::try_from(config.committers.get()).unwrap_or(u32::MAX);
        Ok(Self {
            writers: pool(committers.saturating_add(BESIDES_COMMITTERS)),
            readers: pool(u32::try_from(config.connections.get()).unwrap_or(u32::MAX)),
            clock: config.clock.clone(),
            node_timeout: i64::try_from(config.node_timeout.as_millis()).unwrap_or(i64::MAX),
            timeout: config.statement_timeout + Duration::from_secs(2),
        })
    }

    /// What goes in place of the time of the database: nothing, outside tests.
    pub(super) fn given_now(&self) -> Option<i64> {
        self.clock.as_ref().map(|clock| i64::try_from(clock.now().as_millis()).unwrap_or(i64::MAX))
    }

    pub(super) async fn writer(&self) -> Result<Session, Fault> {
        Session::take(&self.writers, self.timeout).await
    }

    pub(super) async fn reader(&self) -> Result<Session, Fault> {
        Session::take(&self.readers, self.timeout).await
    }

    pub(super) async fn end(&self) {
        self.writers.close().await;
        self.readers.close().await;
    }
}

fn pool(options: &PgConnectOptions, config: &SqlConfig, connections: u32) -> PgPool {
    let statement_timeout = milliseconds(config.statement_timeout);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(config.connect_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                // one that was used just now is as good as one that was asked just now
                if meta.idle_for > Duration::from_secs(1) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let statement_timeout = statement_timeout.clone();
            Box::pin(async move { set_up(connection, &statement_timeout).await })
        })
        .connect_lazy_with(options.clone())
}

async fn set_up(connection: &mut PgConnection, statement_timeout: &str) -> Result<(), sqlx::Error> {
    sqlx::query(SETTINGS).bind(statement_timeout).execute(connection).await.map(|_| ())
}

fn milliseconds(span: Duration) -> String {
    format!("{}ms", span.as_millis())
}

/// Connects, and tries again while the database may only be starting.
async fn reach(options: &PgConnectOptions, place: &str, within: Duration) -> Result<PgConnection, Error> {
    let deadline = Instant::now() + within;
    let mut pause = Duration::from_millis(50);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let error = match tokio::time::timeout(left, PgConnection::connect_with(options)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => return Err(unreachable(place, "it does not answer")),
        };
        if !may_pass(&error) {
            return Err(unusable(place, &error));
        }
        if Instant::now() + pause >= deadline {
            return Err(unreachable(place, &error.to_string()));
        }
        tracing::warn!(%error, place, "the database cannot be reached yet, trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("53300" | "57P03")),
        _ => false,
    }
}

fn unreachable(place: &str, detail: &str) -> Error {
    Error::Fatal(format!(
        "cannot reach {place}: {detail}; check that it runs, the host and port of the store, and firewalls between"
    ))
}

fn unusable(place: &str, error: &sqlx::Error) -> Error {
    let what_to_do = match error {
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("28P01" | "28000") => "check user and password of the store, and pg_hba.conf",
            Some("3D000") => "create the database",
            _ => "see the log of PostgreSQL",
        },
        sqlx::Error::Tls(_) => "check sslmode and the certificates",
        _ => "check the address of the store",
    };
    Error::Fatal(format!("cannot use {place}: {error}; {what_to_do}"))
}

/// What has to hold before the first transaction is accepted.
async fn prepare(connection: &mut PgConnection, place: &str, timeout: Duration) -> Result<(), Error> {
    use sqlx::Row as _;

    let failed = |error: sqlx::Error| unusable(place, &error);
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
    set_up(connection, &milliseconds(timeout)).await.map_err(failed)?;
    if row.try_get("read_only").map_err(failed)? {
        return Err(Error::Fatal(format!("{place} is read-only: point the store at the primary")));
    }
    schema::bring_up_to_date(connection, place).await
}

/// What a failed start says about an error of a statement.
pub(super) fn fatal(place: &str, error: sqlx::Error) -> Error {
    match connecting(error) {
        Fault::Contended(detail) | Fault::Content(detail) | Fault::Trouble(detail) | Fault::Lost(detail) => {
            Error::Fatal(format!("cannot use {place}: {detail}"))
        }
        Fault::Refused(error) => error,
        Fault::Closed => Error::Closed,
    }
}
