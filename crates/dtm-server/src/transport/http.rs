//! Calling a branch over HTTP (behaviour 49-55) and over JSON-RPC on HTTP (behaviour 40, 41).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::Outcome;
use dtm_proto::outcome::{ResultProtocol, from_http, from_json_rpc};

use super::client::{Answer, Body, HttpClient, Trouble};
use super::contract::{Attempt, Contact, Transport};
use super::destination;
use super::discovery::Endpoint;
use super::request::{branch_request, json_rpc_request};
use super::resolver::Resolver;
use super::route::{Dialect, Route};
use crate::config::TransportConfig;

/// Calls branches over HTTP/1.1, plain and with TLS, and those of a JSON-RPC transaction by its requests.
#[derive(Debug)]
pub struct HttpTransport {
    client: HttpClient,
    results: ResultProtocol,
    calls: AtomicU64,
}

impl HttpTransport {
    /// Reads the answers of branches by `results`.
    ///
    /// # Errors
    /// When TLS cannot be set up at all. That there are no root certificates is a warning only.
    pub fn new(config: &TransportConfig, results: ResultProtocol) -> Result<Self, rustls::Error> {
        Self::resolving_by(config, results, Resolver::new())
    }

    /// The same, with a resolver whose bounds it shares with others.
    pub(super) fn resolving_by(
        config: &TransportConfig,
        results: ResultProtocol,
        resolver: Resolver,
    ) -> Result<Self, rustls::Error> {
        Ok(Self::by(HttpClient::resolving_by(config, resolver)?, results))
    }

    pub(super) const fn by(client: HttpClient, results: ResultProtocol) -> Self {
        Self { client, results, calls: AtomicU64::new(0) }
    }

    /// How many requests were made so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn judge(&self, answer: &Answer, dialect: Dialect) -> Outcome {
        let status = answer.status;
        if status.is_redirection() {
            let cause = format!("answered HTTP status {status}: redirections are not followed");
            return Outcome::Unknown { cause };
        }
        match &answer.body {
            Body::Whole(body) if dialect == Dialect::JsonRpc => {
                from_json_rpc(status.as_u16(), body, self.results)
            }
            Body::Whole(body) => from_http(status.as_u16(), body, self.results),
            Body::TooLong(max) => {
                let cause = format!(
                    "answered HTTP status {status} with a body that is longer than the limit of {max} bytes"
                );
                match status.as_u16() {
                    409 => Outcome::Failure { reason: cause },
                    425 => Outcome::Ongoing,
                    _ => Outcome::Unknown { cause },
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl Transport for HttpTransport {
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
            Ok(Route { dialect, .. }) => self.attempt_at(call, dialect, None, headers, limit).await,
            Err(error) => Attempt::cannot_be_made(&error),
        }
    }
}

impl HttpTransport {
    /// Makes the call at an endpoint that was found, or at the address in its URL.
    pub(super) async fn attempt_at(
        &self,
        call: &BranchCall,
        dialect: Dialect,
        endpoint: Option<&Endpoint<'_>>,
        headers: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Attempt {
        let request = match dialect {
            Dialect::JsonRpc => json_rpc_request(call, endpoint, headers),
            Dialect::Http | Dialect::Grpc => branch_request(call, endpoint, headers),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => return Attempt::cannot_be_made(&error),
        };
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.client.exchange(request, limit).await {
            Ok(answer) => Attempt { outcome: self.judge(&answer, dialect), contact: Contact::Answered },
            Err(trouble) => Attempt {
                outcome: Outcome::Unknown {
                    cause: format!("{}: {trouble}", destination::place(&call.url, endpoint)),
                },
                contact: contact(&trouble),
            },
        }
    }
}

/// What the lack of an answer shows about the destination.
const fn contact(trouble: &Trouble) -> Contact {
    match trouble {
        Trouble::NotReached(_) => Contact::NotReached,
        Trouble::TimedOut(_) => Contact::TimedOut,
        Trouble::NoRoots | Trouble::Broken(_) => Contact::Inconclusive,
        // a status came
        Trouble::BodyTimedOut { .. } | Trouble::BodyBroken { .. } => Contact::Answered,
    }
}
