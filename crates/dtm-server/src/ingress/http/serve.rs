//! Accepting connections, and ending gracefully.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::head_timer::{HeadTimer, Progress};
use crate::ingress::accept::next_connection;

/// How connections are treated.
#[derive(Debug, Clone)]
pub struct ServeSettings {
    /// How long the head of a request may take from its first byte.
    pub header_time_max: Duration,
    /// How long a connection may be idle.
    pub idle_time_max: Duration,
    /// The longest head of a request in bytes.
    pub header_bytes_max: usize,
    /// Connections that may be open at once; past it new ones wait to be accepted.
    pub connections_max: usize,
}

/// A listening HTTP server.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Binds `address`.
    ///
    /// # Errors
    /// The error of the operating system, for example when the port is taken (defect M16).
    pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(address).await
    }

    /// Serves `router` on `listener` until [`HttpServer::stop`].
    ///
    /// # Errors
    /// The error of the operating system when the listener has no address.
    pub fn start(listener: TcpListener, router: Router, settings: ServeSettings) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, router, settings, stopped));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting; requests that are being handled may end within `limit`.
    pub async fn stop(mut self, limit: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(limit, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    settings: ServeSettings,
    mut stopped: watch::Receiver<bool>,
) {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(settings.connections_max));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(settings.idle_time_max)
        .max_buf_size(settings.header_bytes_max.max(8_192));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, next_connection(&listener).await)
        };
        let (place, stream) = tokio::select! {
            next = next => next,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let progress = Arc::new(Progress::default());
        let stream = HeadTimer::new(stream, Arc::clone(&progress), settings.header_time_max);
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(move |request| {
            progress.begin();
            let (answer, progress) = (router.call(request), Arc::clone(&progress));
            async move {
                let answer = answer.await;
                progress.end();
                answer
            }
        });
        let connection = connections.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that breaks off is its own business.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    connections.shutdown().await;
}
