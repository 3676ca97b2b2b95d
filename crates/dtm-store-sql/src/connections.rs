//! Connections that are kept while nobody uses them.
//!
//! Not sqlx's pool: that asks the server for a sign of life each time a connection is given back, one more round
//! trip for each statement of ours, and forgets why it could not connect.

use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::fault::Fault;
use crate::server::Server;

/// A connection that was used this long ago is asked for a sign of life before it is used again.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// At most so many connections to one server.
pub(crate) struct Connections<S: Server> {
    options: <S::Connection as Connection>::Options,
    connect_timeout: Duration,
    statement_timeout: Duration,
    age_max: Option<Duration>,
    permits: Semaphore,
    /// Last in, first out: what is not needed any more grows old at the bottom.
    idle: Mutex<Vec<(Open<S>, Instant)>>,
}

/// A connection, and since when there is one.
pub(crate) struct Open<S: Server> {
    pub(crate) connection: S::Connection,
    since: Instant,
}

impl<S: Server> Connections<S> {
    pub(crate) fn new(
        options: <S::Connection as Connection>::Options,
        connect_timeout: Duration,
        statement_timeout: Duration,
        age_max: Option<Duration>,
        limit: usize,
    ) -> Self {
        let permits = Semaphore::new(limit.min(Semaphore::MAX_PERMITS));
        Self { options, connect_timeout, statement_timeout, age_max, permits, idle: Mutex::new(Vec::new()) }
    }

    /// One that seems to work, and the right to use it.
    pub(crate) async fn take(&self) -> Result<(Open<S>, SemaphorePermit<'_>), Fault> {
        let permit = match tokio::time::timeout(self.connect_timeout, self.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Fault::Closed),
            Err(_) => {
                let called = S::CALLED;
                let limit =
                    format!("all connections of the store to {called} are busy: it is overloaded, or locked");
                return Err(Fault::Trouble(limit));
            }
        };
        while let Some((mut open, used)) = self.pop() {
            if self.age_max.is_some_and(|most| open.since.elapsed() >= most) {
                Self::end(open).await;
                continue;
            }
            if used.elapsed() < TRUSTED_FOR {
                return Ok((open, permit));
            }
            if let Ok(Ok(())) = tokio::time::timeout(TRUSTED_FOR, open.connection.ping()).await {
                return Ok((open, permit));
            }
            tracing::debug!("a connection to {} has ended while it was idle", S::CALLED);
        }
        Ok((self.connect().await.map_err(|(fault, _)| fault)?, permit))
    }

    fn pop(&self) -> Option<(Open<S>, Instant)> {
        self.idle.lock().pop()
    }

    /// Gives one back that is idle and outside a transaction.
    pub(crate) fn keep(&self, open: Open<S>) {
        let mut idle = self.idle.lock();
        if !self.permits.is_closed() {
            idle.push((open, Instant::now()));
        }
    }

    /// Connects, and tries again while the database may only be starting. An error says whether anybody was there.
    pub(crate) async fn connect(&self) -> Result<Open<S>, (Fault, Option<sqlx::Error>)> {
        let deadline = Instant::now() + self.connect_timeout;
        let mut pause = Duration::from_millis(20);
        let mut refused = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match tokio::time::timeout(left, self.connect_once()).await {
                Ok(Ok(connection)) => return Ok(Open { connection, since: Instant::now() }),
                Ok(Err(error)) => error,
                // why it was refused before says more than that there was no time to hear it again
                Err(_) => match refused {
                    Some(error) => return Err(Self::refused(error)),
                    None => return Err((Fault::Trouble(format!("{} does not answer", S::CALLED)), None)),
                },
            };
            if !S::may_pass(&error) || Instant::now() + pause >= deadline {
                return Err(Self::refused(error));
            }
            tracing::warn!(%error, "{} cannot be reached, trying again", S::CALLED);
            refused = Some(error);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    fn refused(error: sqlx::Error) -> (Fault, Option<sqlx::Error>) {
        (Fault::Trouble(format!("no connection to {}: {error}", S::CALLED)), Some(error))
    }

    async fn connect_once(&self) -> Result<S::Connection, sqlx::Error> {
        let mut connection = S::Connection::connect_with(&self.options).await?;
        S::set_up(&mut connection, self.statement_timeout).await?;
        Ok(connection)
    }

    /// How long to wait for an answer. The server itself gives up a statement before, if it still answers.
    pub(crate) fn patience(&self) -> Duration {
        self.statement_timeout + Duration::from_secs(2)
    }

    /// Ends all that are idle, and gives no more.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock());
        for (open, _) in idle {
            Self::end(open).await;
        }
    }

    async fn end(open: Open<S>) {
        match tokio::time::timeout(TRUSTED_FOR, open.connection.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(fault = ?S::connecting(error), "a connection did not end in order");
            }
            Err(_) => tracing::debug!("a connection to {} did not end in order", S::CALLED),
        }
    }
}

impl<S: Server> fmt::Debug for Connections<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("server", &S::CALLED)
            .field("free", &self.permits.available_permits())
            .finish_non_exhaustive()
    }
}
