//! A whole server: a coordinator and the ways in.

use std::net::SocketAddr;

use crate::assembly::Assembly;
use crate::config::Config;
use crate::ingress::grpc::GrpcServer;
use crate::ingress::http::HttpServer;
use crate::listening::{Ingress, listen, start_grpc, start_http};
pub use crate::start_error::StartError;
use crate::transport::LocalBranches;

/// A running server.
#[derive(Debug)]
pub struct Server {
    http: HttpServer,
    grpc: GrpcServer,
    assembly: Assembly,
}

impl Server {
    /// Opens the store, takes up what the last start left, and listens.
    ///
    /// # Errors
    /// [`StartError`] saying what to do. Nothing runs then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let http = listen(&config, Ingress::Http).await?;
        let grpc = listen(&config, Ingress::Grpc).await?;
        let assembly = Assembly::start(&config, LocalBranches::default()).await?;
        let http = start_http(&config, http, &assembly)?;
        let grpc = start_grpc(&config, grpc, &assembly)?;
        Ok(Self { http, grpc, assembly })
    }

    /// Where it listens for HTTP.
    #[must_use]
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Where it listens for gRPC.
    #[must_use]
    pub const fn grpc_address(&self) -> SocketAddr {
        self.grpc.address()
    }

    /// Waits until the server cannot go on: another one has taken its name among those that share the store.
    pub async fn has_lost_its_name(&self) {
        self.assembly.api.engine.is_stopping().await;
    }

    /// Stops accepting, drains running passes up to the configured limit, stores what is deferred, releases
    /// what is driven, and closes the store (decision 28).
    ///
    /// # Errors
    /// The error of the store when it cannot be closed cleanly; nothing that was acknowledged is lost then.
    pub async fn stop(self) -> Result<(), dtm_store::Error> {
        let drain = self.assembly.drain;
        tokio::join!(self.http.stop(drain), self.grpc.stop(drain), self.assembly.stop_driving());
        self.assembly.close().await
    }
}
