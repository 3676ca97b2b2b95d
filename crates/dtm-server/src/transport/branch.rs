//! Calling a branch by the protocol that its URL asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::Outcome;
use dtm_proto::outcome::ResultProtocol;

use super::contract::{Attempt, Contact, Transport};
use super::grpc::GrpcTransport;
use super::http::HttpTransport;
use super::route::Route;
use crate::config::TransportConfig;

/// Calls branches over HTTP, JSON-RPC and gRPC.
#[derive(Debug)]
pub struct BranchTransport {
    http: HttpTransport,
    grpc: GrpcTransport,
}

impl BranchTransport {
    /// Reads the answers of branches over HTTP and JSON-RPC by `results`.
    ///
    /// # Errors
    /// When TLS cannot be set up at all. That there are no root certificates is a warning only.
    pub fn new(config: &TransportConfig, results: ResultProtocol) -> Result<Self, rustls::Error> {
        Ok(Self { http: HttpTransport::new(config, results)?, grpc: GrpcTransport::new(config) })
    }

    /// Open gRPC channels, for the metrics.
    #[must_use]
    pub fn grpc_channels(&self) -> usize {
        self.grpc.channels()
    }
}

#[async_trait::async_trait]
impl Transport for BranchTransport {
    async fn call(&self, call: &BranchCall, headers: &BTreeMap<String, String>) -> Outcome {
        self.attempt(call, headers, call.timeout.into()).await.outcome
    }

    async fn attempt(
        &self,
        call: &BranchCall,
        headers: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Attempt {
        if call.url.is_empty() {
            // behaviour 54
            return Attempt { outcome: Outcome::Success, contact: Contact::Inconclusive };
        }
        match Route::of(&call.url, call.protocol) {
            Ok(Route::Http | Route::JsonRpc) => self.http.attempt(call, headers, limit).await,
            Ok(Route::Grpc) => self.grpc.attempt(call, headers, limit).await,
            Err(error) => Attempt::cannot_be_made(&error),
        }
    }
}
