//! A coordinator that runs inside an application.

use std::net::SocketAddr;
use std::ops::Deref;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::presence::Presence;
use super::{Coordinator, EmbeddedBuilder};
use crate::assembly::Assembly;
use crate::config::{Config, StoreConfig};
use crate::ingress::grpc::GrpcServer;
use crate::ingress::http::HttpServer;

/// A coordinator that runs inside this application, and its end. What can be asked of it is at [`Coordinator`], which it
/// derefs to and which is cheap to clone: give clones to whoever starts transactions.
///
/// Dropped without [`stop`](Self::stop), it stops in the background, as far as its runtime still runs.
#[derive(Debug)]
pub struct Embedded {
    coordinator: Coordinator,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    presence: watch::Sender<Presence>,
    assembly: Assembly,
    http: Option<HttpServer>,
    grpc: Option<GrpcServer>,
}

impl Embedded {
    /// A coordinator that keeps its transactions in `store`, with the settings of a server that was given none.
    pub fn builder(store: StoreConfig) -> EmbeddedBuilder {
        EmbeddedBuilder::new(Config { store, ..Config::default() })
    }

    pub(super) const fn new(
        assembly: Assembly,
        http: Option<HttpServer>,
        grpc: Option<GrpcServer>,
        coordinator: Coordinator,
        presence: watch::Sender<Presence>,
    ) -> Self {
        Self { coordinator, running: Some(Running { presence, assembly, http, grpc }) }
    }

    /// A handle for whoever starts transactions. It does not keep the coordinator running: after
    /// [`stop`](Self::stop) its requests are answered with [`Error::Unknown`](super::Error::Unknown) or [`Error::NoAnswer`](super::Error::NoAnswer).
    #[must_use]
    pub fn coordinator(&self) -> Coordinator {
        self.coordinator.clone()
    }

    /// Where it listens for HTTP, if it was told to.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.running.as_ref()?.http.as_ref().map(HttpServer::address)
    }

    /// Where it listens for gRPC, if it was told to.
    #[must_use]
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.running.as_ref()?.grpc.as_ref().map(GrpcServer::address)
    }

    /// Waits until the coordinator cannot go on: another one has taken its name (`runner.node_name`) among those that share
    /// the store.
    pub async fn has_lost_its_name(&self) {
        self.coordinator.api().engine.is_stopping().await;
    }

    /// Takes no new transactions, lets running passes end up to `runner.drain_timeout` (10 seconds unless set), drops
    /// branches of this process that are still running then, stores what is deferred, releases what is driven, and closes
    /// the store.
    ///
    /// # Errors
    /// The error of the store when it cannot be closed cleanly; nothing that was accepted is lost then.
    pub async fn stop(mut self) -> Result<(), dtm_store::Error> {
        match self.running.take() {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }
}

impl Running {
    async fn stop(self) -> Result<(), dtm_store::Error> {
        let Self { presence, assembly, http, grpc } = self;
        let drain = assembly.drain;
        let http = async {
            if let Some(http) = http {
                http.stop(drain).await;
            }
        };
        let grpc = async {
            if let Some(grpc) = grpc {
                grpc.stop(drain).await;
            }
        };
        tokio::join!(http, grpc, assembly.stop_driving());
        let closed = assembly.close().await;
        presence.send_replace(Presence::Stopped);
        closed
    }
}

impl Deref for Embedded {
    type Target = Coordinator;

    fn deref(&self) -> &Coordinator {
        &self.coordinator
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        // Outside of a runtime, or in one that is ending, this is a crash like any other: the next start goes on.
        if let Ok(runtime) = Handle::try_current() {
            tracing::warn!("an embedded coordinator was dropped without stop(); it stops in the background");
            runtime.spawn(async move {
                if let Err(error) = running.stop().await {
                    tracing::warn!(%error, "the store of an embedded coordinator was not closed cleanly");
                }
            });
        } else {
            running.presence.send_replace(Presence::Stopped);
        }
    }
}
