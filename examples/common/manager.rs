//! The transaction manager. In production it is a process of its own; here it runs beside the story.

use std::time::Duration;

use dtm_server::config::{Config, GrpcConfig, HttpConfig, RunnerConfig, StoreConfig};
use dtm_server::server::Server;
use tempfile::TempDir;

use super::Result;

/// A manager on free ports, with a temporary folder for its store.
#[derive(Debug)]
pub struct Manager {
    server: Server,
    folder: TempDir,
}

impl Manager {
    /// Starts one.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = Config {
            http: HttpConfig { port: 0, ..HttpConfig::default() },
            grpc: GrpcConfig { port: 0, ..GrpcConfig::default() },
            // whatever was left behind by somebody who died is found soon
            runner: RunnerConfig { poll_interval: Duration::from_secs(1), ..RunnerConfig::default() },
            store: StoreConfig::sled(folder.path().join("manager")),
            ..Config::default()
        };
        Ok(Self { server: Server::start(config).await?, folder })
    }

    /// What a client over HTTP is given.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}/api/dtmsvr", self.server.http_address())
    }

    /// What a client over gRPC is given.
    #[must_use]
    pub fn grpc_address(&self) -> String {
        format!("http://{}", self.server.grpc_address())
    }

    /// Ends it.
    ///
    /// # Errors
    /// When its store cannot be closed.
    pub async fn stop(self) -> Result {
        self.server.stop().await?;
        Ok(self.folder.close()?)
    }
}
