//! Connections that are kept while nobody uses them.
//!
//! Not sqlx's pool: that asks the server for a sign of life each time a connection is given back, one more round
//! trip for each statement of ours, and forgets why it could not connect.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::connecting;
use crate::fault::Fault;

/// A connection that was used this long ago is asked for a sign of life before it is used again.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// At most so many connections to one server.
#[derive(Debug)]
pub(super) struct Connections {
    options: PgConnectOptions,
    connect_timeout: Duration,
    statement_timeout: Duration,
    permits: Semaphore,
    /// Last in, first out: what is not needed any more grows old at the bottom.
    idle: Mutex<Vec<(PgConnection, Instant)>>,
}

impl Connections {
    pub(super) fn new(
        options: PgConnectOptions,
        connect_timeout: Duration,
        statement_timeout: Duration,
        limit: usize,
    ) -> Self {
        let permits = Semaphore::new(limit.min(Semaphore::MAX_PERMITS));
        Self { options, connect_timeout, statement_timeout, permits, idle: Mutex::new(Vec::new()) }
    }

    /// One that seems to work, and the right to use it.
    pub(super) async fn take(&self) -> Result<(PgConnection, SemaphorePermit<'_>), Fault> {
        let permit = match tokio::time::timeout(self.connect_timeout, self.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Fault::Closed),
            Err(_) => {
                let limit =
                    "all connections of the store to PostgreSQL are busy: it is overloaded, or locked";
                return Err(Fault::Trouble(limit.to_owned()));
            }
        };
        while let Some((mut connection, since)) = self.pop() {
            if since.elapsed() < TRUSTED_FOR {
                return Ok((connection, permit));
            }
            if let Ok(Ok(())) = tokio::time::timeout(TRUSTED_FOR, connection.ping()).await {
                return Ok((connection, permit));
            }
            tracing::debug!("a connection to PostgreSQL has ended while it was idle");
        }
        Ok((self.connect().await.map_err(|(fault, _)| fault)?, permit))
    }

    fn pop(&self) -> Option<(PgConnection, Instant)> {
        self.idle.lock().pop()
    }

    /// Gives one back that is idle and outside a transaction.
    pub(super) fn keep(&self, connection: PgConnection) {
        let mut idle = self.idle.lock();
        if !self.permits.is_closed() {
            idle.push((connection, Instant::now()));
        }
    }

    /// Connects, and tries again while the database may only be starting. An error says whether anybody was there.
    pub(super) async fn connect(&self) -> Result<PgConnection, (Fault, Option<sqlx::Error>)> {
        let deadline = Instant::now() + self.connect_timeout;
        let mut pause = Duration::from_millis(20);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match tokio::time::timeout(left, self.connect_once()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => error,
                Err(_) => return Err((Fault::Trouble("PostgreSQL does not answer".to_owned()), None)),
            };
            if !may_pass(&error) || Instant::now() + pause >= deadline {
                let detail = error.to_string();
                tracing::debug!(detail, "PostgreSQL cannot be used");
                return Err((Fault::Trouble(format!("no connection to PostgreSQL: {detail}")), Some(error)));
            }
            tracing::warn!(%error, "PostgreSQL cannot be reached, trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn connect_once(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        let statement_timeout = format!("{}ms", self.statement_timeout.as_millis());
        sqlx::query(SETTINGS).bind(statement_timeout).execute(&mut connection).await?;
        Ok(connection)
    }

    /// How long to wait for an answer. The server itself gives up a statement before, if it still answers.
    pub(super) fn patience(&self) -> Duration {
        self.statement_timeout + Duration::from_secs(2)
    }

    /// Ends all that are idle, and gives no more.
    pub(super) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock());
        for (connection, _) in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(fault = ?connecting(error), "a connection did not end in order");
            }
        }
    }
}

/// Whether it may be there in a moment.
pub(super) fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("53300" | "57P03")),
        _ => false,
    }
}

/// Plans that are right for small tables as well as for large ones, made once a connection: without these settings
/// a plan that was made while a table was still empty reads all of it later. And what acknowledged means: on disk.
const SETTINGS: &str = "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false), \
    set_config('enable_mergejoin', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false), \
    set_config('jit', 'off', false), \
    set_config('default_transaction_isolation', 'read committed', false), \
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' \
        ELSE current_setting('synchronous_commit') END, false), \
    set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $1, false)";
