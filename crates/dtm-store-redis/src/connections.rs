//! Connections to one server that are kept while nobody uses them.
//!
//! Not a pool of deadpool's: that asks the server for a sign of life each time a connection is taken, one more round trip
//! for each batch. A connection serves one caller at a time, so that one that is slow to read delays nobody, and so
//! that `WAIT` is about the caller's own writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, Pipeline, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::fault::{Fault, broken, reported};
use crate::scripts;

/// A connection that was used this long ago is asked for a sign of life before it is used again.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long that sign of life may take.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// Whoever gives up an exchange after this long has met a server, or a network, that is silent.
const SILENT: Duration = Duration::from_millis(500);

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(2);

/// At most so many connections to one server.
pub(crate) struct Connections {
    place: String,
    client: Client,
    patience: Duration,
    permits: Semaphore,
    /// Last in, first out: what is not needed any more grows old at the bottom.
    idle: Mutex<Vec<(MultiplexedConnection, Instant)>>,
    /// Whether one was made that nobody has asked about yet.
    is_new: AtomicBool,
}

/// Why there is no connection, and whether there may be one in a moment.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) detail: String,
    pub(crate) may_pass: bool,
}

impl Connections {
    pub(crate) fn new(
        place: String,
        info: ConnectionInfo,
        limit: usize,
        patience: Duration,
    ) -> Result<Self, Fault> {
        let client = Client::open(info).map_err(|error| Fault::Trouble(error.to_string()))?;
        let permits = Semaphore::new(limit.min(Semaphore::MAX_PERMITS));
        Ok(Self {
            place,
            client,
            patience,
            permits,
            idle: Mutex::new(Vec::new()),
            is_new: AtomicBool::new(false),
        })
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Sends commands in one go and reads the answer of each. An error of one is that one's answer; none of them may
    /// have been executed, or all, when there are no answers at all.
    pub(crate) async fn exchange(&self, pipeline: &Pipeline) -> Result<Vec<Result<Value, Fault>>, Fault> {
        let (mut connection, _permit) = self.take().await?;
        let count = pipeline.len();
        let mut given_up = GivenUp { connections: self, since: Some(Instant::now()) };
        let answers = connection.req_packed_commands(pipeline, 0, count).await;
        given_up.since = None;
        match answers {
            Ok(values) if values.len() == count => {
                if values.iter().any(is_read_only) {
                    // The others lead to the same former master, and its name perhaps to the new one by now.
                    self.distrust();
                } else {
                    self.keep(connection);
                }
                Ok(values.into_iter().map(answer).collect())
            }
            Ok(_) => Err(Fault::Lost(format!("Redis at {} gave too few answers", self.place))),
            Err(error) => {
                self.distrust();
                Err(broken(&self.place, &error))
            }
        }
    }

    /// Ends all that are idle: what has happened to one has most probably happened to them.
    fn distrust(&self) {
        self.idle.lock().clear();
    }

    /// Whether one was made since this was asked.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new.swap(false, Ordering::Relaxed)
    }

    /// Teaches the server all scripts.
    pub(crate) async fn load_scripts(&self) -> Result<(), Fault> {
        let mut pipeline = Pipeline::with_capacity(scripts::ALL.len());
        for script in scripts::ALL {
            pipeline.cmd("SCRIPT").arg("LOAD").arg(script.text);
        }
        self.exchange(&pipeline).await?.into_iter().try_for_each(|answer| answer.map(|_| ()))
    }

    /// One that seems to work, and the right to use it.
    async fn take(&self) -> Result<(MultiplexedConnection, SemaphorePermit<'_>), Fault> {
        let permit = match tokio::time::timeout(self.patience, self.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Fault::Closed),
            Err(_) => {
                let place = &self.place;
                return Err(Fault::Trouble(format!("all connections to Redis at {place} are busy")));
            }
        };
        while let Some((mut connection, since)) = self.pop() {
            if since.elapsed() < TRUSTED_FOR {
                return Ok((connection, permit));
            }
            let ping = redis::cmd("PING");
            if let Ok(Ok(_)) = tokio::time::timeout(SIGN_OF_LIFE, connection.req_packed_command(&ping)).await
            {
                return Ok((connection, permit));
            }
            tracing::debug!(place = self.place, "a connection to Redis has ended while it was idle");
            self.distrust();
        }
        let connection = self.connect().await.map_err(|refusal| {
            if refusal.may_pass { Fault::Later(refusal.detail) } else { Fault::Trouble(refusal.detail) }
        })?;
        Ok((connection, permit))
    }

    /// A new connection.
    async fn connect(&self) -> Result<MultiplexedConnection, Refusal> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(self.patience));
        let attempt = self.client.get_multiplexed_async_connection_with_config(&config);
        // a server that accepts and then says nothing must not hold anybody for longer
        let place = &self.place;
        match tokio::time::timeout(CONNECT * 2, attempt).await {
            Ok(Ok(connection)) => {
                self.is_new.store(true, Ordering::Relaxed);
                Ok(connection)
            }
            Ok(Err(error)) => Err(Refusal {
                may_pass: error.is_io_error() || error.code() == Some("LOADING"),
                detail: match error.kind() {
                    ErrorKind::AuthenticationFailed => {
                        format!("Redis at {place} refuses user or password: check those of the store")
                    }
                    _ => format!("no connection to Redis at {place}: {error}"),
                },
            }),
            Err(_) => Err(Refusal { detail: format!("Redis at {place} does not answer"), may_pass: true }),
        }
    }

    fn pop(&self) -> Option<(MultiplexedConnection, Instant)> {
        self.idle.lock().pop()
    }

    fn keep(&self, connection: MultiplexedConnection) {
        let mut idle = self.idle.lock();
        if !self.permits.is_closed() {
            idle.push((connection, Instant::now()));
        }
    }

    /// Ends all that are idle, and gives no more.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }
}

/// Notices that a caller has gone away before its answer came.
struct GivenUp<'a> {
    connections: &'a Connections,
    since: Option<Instant>,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() >= SILENT) {
            self.connections.distrust();
        }
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Whether a server that has become a replica has said this, about a call or a part of one.
fn is_read_only(value: &Value) -> bool {
    match value {
        Value::ServerError(error) => error.code() == "READONLY",
        Value::Array(values) => values.iter().any(is_read_only),
        _ => false,
    }
}

fn answer(value: Value) -> Result<Value, Fault> {
    match value {
        Value::ServerError(error) => Err(reported(&error)),
        value => Ok(value),
    }
}
