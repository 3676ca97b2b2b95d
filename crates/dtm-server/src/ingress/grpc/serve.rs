//! Accepting connections, and ending gracefully.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;

use super::activity::Activity;
use super::health;
use super::preface::{self, PREFACE};
use super::routes::{GrpcIngress, Routes};
use crate::ingress::accept::next_connection;

/// How connections are treated.
#[derive(Debug, Clone)]
pub struct GrpcServeSettings {
    /// How long a connection may take to say that it speaks HTTP/2.
    pub preface_time_max: Duration,
    /// How long a connection may be without a call; after it the client is asked to leave.
    pub idle_time_max: Duration,
    /// The longest metadata of a call in bytes.
    pub header_bytes_max: u32,
    /// Connections that may be open at once; past it new ones wait to be accepted.
    pub connections_max: usize,
    /// Calls of one connection that may be open at once; past it the client makes them wait.
    pub calls_max: u32,
    /// How often a connection is asked whether its peer is there, and how long the answer may take.
    pub ping: (Duration, Duration),
}

/// A listening gRPC server.
#[derive(Debug)]
pub struct GrpcServer {
    address: SocketAddr,
    /// Told first: nobody should send anything new.
    draining: CancellationToken,
    stopping: CancellationToken,
    /// Told last: nothing is waited for any more.
    ending: CancellationToken,
    health: JoinHandle<()>,
    tasks: TaskTracker,
}

impl GrpcServer {
    /// Serves on `listener` until [`GrpcServer::stop`]. `healthy` says whether the server can do its work.
    ///
    /// # Errors
    /// The error of the operating system when the listener has no address, and any when the description of the
    /// API in this program is damaged.
    pub fn start(
        listener: TcpListener,
        ingress: GrpcIngress,
        healthy: watch::Receiver<bool>,
        settings: GrpcServeSettings,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let [draining, stopping, ending] = std::array::from_fn(|_| CancellationToken::new());
        let reporter = HealthReporter::new();
        let routes = Routes::new(ingress, reporter.clone(), stopping.clone()).map_err(io::Error::other)?;
        let server = Self {
            address,
            health: tokio::spawn(health::report(reporter, healthy, draining.clone())),
            draining,
            stopping,
            ending,
            tasks: TaskTracker::new(),
        };
        let acceptor = Acceptor {
            routes: Arc::new(routes),
            settings: Arc::new(settings),
            stopping: server.stopping.clone(),
            ending: server.ending.clone(),
            tasks: server.tasks.clone(),
        };
        server.tasks.spawn(acceptor.accept(listener));
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reports that it does not serve any more and stops accepting; calls that are being handled may end within
    /// `limit`.
    pub async fn stop(self, limit: Duration) {
        self.draining.cancel();
        if let Err(error) = self.health.await {
            tracing::error!(%error, "the health service ended early");
        }
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            self.ending.cancel();
            self.tasks.wait().await;
        }
    }
}

/// What a connection needs.
#[derive(Clone)]
struct Acceptor {
    routes: Arc<Routes>,
    settings: Arc<GrpcServeSettings>,
    stopping: CancellationToken,
    ending: CancellationToken,
    tasks: TaskTracker,
}

impl Acceptor {
    async fn accept(self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(self.settings.connections_max));
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, next_connection(&listener).await)
            };
            let (place, stream) = tokio::select! {
                next = next => next,
                () = self.stopping.cancelled() => return,
            };
            let connection = self.clone();
            self.tasks.spawn(async move {
                let ending = connection.ending.clone();
                tokio::select! {
                    () = connection.serve(stream) => {}
                    () = ending.cancelled() => {}
                }
                drop(place);
            });
        }
    }

    async fn serve(self, mut stream: TcpStream) {
        let speaks_http2 = tokio::select! {
            come = preface::has_come(&mut stream, self.settings.preface_time_max) => come,
            () = self.stopping.cancelled() => false,
        };
        if !speaks_http2 {
            return;
        }
        let activity = Activity::default();
        let (routes, calls) = (Arc::clone(&self.routes), activity.clone());
        let service = service_fn(move |request| {
            let (routes, calls) = (Arc::clone(&routes), calls.clone());
            async move { Ok::<_, Infallible>(routes.answer(request, &calls).await) }
        });
        let (reading, writing) = stream.into_split();
        let stream = tokio::io::join(PREFACE.chain(reading), writing);
        let mut connection = pin!(self.protocol().serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = activity.idle_for(self.settings.idle_time_max) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        // A client that breaks off is its own business.
        if let Err(error) = ended {
            tracing::debug!(%error, "a gRPC connection ended early");
        }
    }

    fn protocol(&self) -> http2::Builder<TokioExecutor> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let (interval, patience) = self.settings.ping;
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.settings.calls_max)
            .max_header_list_size(self.settings.header_bytes_max)
            .keep_alive_interval(interval)
            .keep_alive_timeout(patience);
        builder
    }
}
