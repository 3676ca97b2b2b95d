//! Calling a branch by the protocol that its URL asks for, at the address that it names or that is found for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use dtm_core::coordinator::BranchCall;
use dtm_core::model::Outcome;
use dtm_proto::outcome::ResultProtocol;

use super::contract::{Attempt, Contact, Transport};
use super::destination;
use super::discovery::{Discovery, Endpoint, Service};
use super::grpc::GrpcTransport;
use super::http::HttpTransport;
use super::local::{LocalBranches, local_name};
use super::local_call::LocalCall;
use super::route::{Dialect, Route};
use crate::config::TransportConfig;

/// Calls branches over HTTP, JSON-RPC and gRPC, and those in this process.
#[derive(Debug)]
pub struct BranchTransport {
    http: HttpTransport,
    grpc: GrpcTransport,
    discovery: Discovery,
    local: LocalBranches,
}

impl BranchTransport {
    /// Reads the answers of branches over HTTP and JSON-RPC by `results`, and finds services by `discovery`.
    ///
    /// # Errors
    /// When TLS cannot be set up at all. That there are no root certificates is a warning only.
    pub fn new(
        config: &TransportConfig,
        results: ResultProtocol,
        discovery: Discovery,
    ) -> Result<Self, rustls::Error> {
        let resolver = discovery.resolver();
        let http = HttpTransport::resolving_by(config, results, resolver.clone())?;
        let grpc = GrpcTransport::resolving_by(config, resolver);
        Ok(Self { http, grpc, discovery, local: LocalBranches::default() })
    }

    /// The same, with branches in this process.
    #[must_use]
    pub(crate) fn with_local(self, local: LocalBranches) -> Self {
        Self { local, ..self }
    }

    /// gRPC channels that are open or being opened, for the metrics.
    #[must_use]
    pub fn grpc_channels(&self) -> usize {
        self.grpc.channels()
    }

    #[cfg(test)]
    pub(super) fn by(http: HttpTransport, config: &TransportConfig) -> Self {
        let (grpc, discovery) = (GrpcTransport::new(config), Discovery::new(&config.discovery));
        Self { http, grpc, discovery, local: LocalBranches::default() }
    }

    async fn at(
        &self,
        call: &BranchCall,
        dialect: Dialect,
        endpoint: Option<&Endpoint<'_>>,
        headers: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Attempt {
        match dialect {
            Dialect::Http | Dialect::JsonRpc => {
                self.http.attempt_at(call, dialect, endpoint, headers, limit).await
            }
            Dialect::Grpc => self.grpc.attempt_at(call, endpoint, headers, limit).await,
        }
    }

    /// An address that cannot be reached got nothing, so the next one is tried at once.
    async fn at_service(
        &self,
        call: &BranchCall,
        dialect: Dialect,
        service: Service<'_>,
        headers: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Attempt {
        let due = Instant::now() + limit;
        let mut tried: Vec<SocketAddr> = Vec::new();
        let mut last = None;
        while tried.len() < ADDRESSES_TRIED_MAX {
            let endpoint = match timeout_at(due, self.discovery.next(service, &tried)).await {
                Ok(Ok(Some(endpoint))) => endpoint,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return last.unwrap_or_else(|| not_found(call, &error)),
                Err(_) => {
                    let cause = format!("no address within {} s", limit.as_secs_f64());
                    return last.unwrap_or_else(|| not_found(call, &cause));
                }
            };
            let left = due.saturating_duration_since(Instant::now());
            let attempt = self.at(call, dialect, Some(&endpoint), headers, left).await;
            let reached = attempt.contact != Contact::NotReached;
            self.discovery.note(&endpoint, reached);
            if reached || Instant::now() >= due {
                return attempt;
            }
            tried.push(endpoint.address);
            last = Some(attempt);
        }
        last.unwrap_or_else(|| not_found(call, &"no address"))
    }
}

#[async_trait::async_trait]
impl Transport for BranchTransport {
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
        if let Some(name) = local_name(&call.url) {
            return match LocalCall::try_from(call) {
                Ok(call) => self.local.attempt(name, call, limit).await,
                Err(error) => Attempt::cannot_be_made(&error),
            };
        }
        match Route::of(&call.url, call.protocol) {
            Ok(Route { dialect, service: None }) => self.at(call, dialect, None, headers, limit).await,
            Ok(Route { dialect, service: Some(service) }) => {
                self.at_service(call, dialect, service, headers, limit).await
            }
            Err(error) => Attempt::cannot_be_made(&error),
        }
    }
}

/// Nothing was sent, as if no connection could be made.
fn not_found(call: &BranchCall, why: &dyn std::fmt::Display) -> Attempt {
    let cause = format!("{}: {why}", destination::name(&call.url));
    Attempt { outcome: Outcome::Unknown { cause }, contact: Contact::NotReached }
}

/// Addresses that one call tries.
const ADDRESSES_TRIED_MAX: usize = 8;
