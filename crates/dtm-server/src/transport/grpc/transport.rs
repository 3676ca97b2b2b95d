//! From a branch call to its outcome over gRPC.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::Outcome;
use dtm_proto::outcome::from_grpc;

use super::super::contract::{Attempt, Contact, Transport};
use super::super::destination;
use super::super::discovery::Endpoint;
use super::super::resolver::Resolver;
use super::channels::{ChannelLimits, Channels, OpenError};
use super::exchange::{Call, Trouble, exchange};
use super::message::framed;
use super::metadata::headers;
use super::method::GrpcMethod;
use crate::config::TransportConfig;

/// Calls branches over gRPC without TLS.
#[derive(Debug)]
pub struct GrpcTransport {
    channels: Channels,
    answer_bytes_max: usize,
}

impl GrpcTransport {
    /// A transport without channels; they are opened when they are needed.
    #[must_use]
    pub fn new(config: &TransportConfig) -> Self {
        Self::resolving_by(config, Resolver::new())
    }

    /// The same, with a resolver whose bounds it shares with others.
    pub(in super::super) fn resolving_by(config: &TransportConfig, resolver: Resolver) -> Self {
        let limits = ChannelLimits {
            connect: config.connect_timeout,
            idle: config.idle_timeout,
            channels: CHANNELS_MAX,
        };
        Self { channels: Channels::new(resolver, limits), answer_bytes_max: config.response_bytes_max }
    }

    /// How many channels there are.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels.count()
    }
}

#[async_trait::async_trait]
impl Transport for GrpcTransport {
    async fn attempt(
        &self,
        call: &BranchCall,
        headers: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Attempt {
        self.attempt_at(call, None, headers, limit).await
    }
}

impl GrpcTransport {
    /// Makes the call at an endpoint that was found, or at the address in its URL.
    pub(in super::super) async fn attempt_at(
        &self,
        call: &BranchCall,
        endpoint: Option<&Endpoint<'_>>,
        branch_headers: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Attempt {
        let prepared = match prepare(call, endpoint, branch_headers) {
            Ok(prepared) => prepared,
            Err(attempt) => return attempt,
        };
        match exchange(&self.channels, &prepared, limit, self.answer_bytes_max).await {
            Ok(status) => {
                Attempt { outcome: from_grpc(status.code, &status.message), contact: Contact::Answered }
            }
            Err(trouble) => {
                let cause = format!("{}: {trouble}", destination::place(&call.url, endpoint));
                Attempt { contact: contact(&trouble), outcome: outcome(&trouble, cause) }
            }
        }
    }
}

fn prepare<'a>(
    call: &'a BranchCall,
    endpoint: Option<&Endpoint<'a>>,
    branch_headers: &BTreeMap<String, String>,
) -> Result<Call<'a>, Attempt> {
    let method = match endpoint {
        None => GrpcMethod::new(&call.url),
        Some(endpoint) => GrpcMethod::at(endpoint),
    };
    let method = method.map_err(|error| Attempt::cannot_be_made(&error))?;
    let headers = headers(call, branch_headers).map_err(|error| Attempt::cannot_be_made(&error))?;
    let message = framed(call).map_err(|error| Attempt::cannot_be_made(&error))?;
    Ok(Call { method, headers, message })
}

/// Without a status, nobody knows whether the call took effect, unless it was never made.
fn outcome(trouble: &Trouble, cause: String) -> Outcome {
    match trouble {
        Trouble::NoChannel(OpenError::TooMany(_)) => Outcome::NotSent { cause },
        _ => Outcome::Unknown { cause },
    }
}

/// What the lack of a status shows about the destination.
const fn contact(trouble: &Trouble) -> Contact {
    match trouble {
        Trouble::NoChannel(OpenError::NotReached(_)) => Contact::NotReached,
        Trouble::TimedOut(_) => Contact::TimedOut,
        Trouble::NoChannel(OpenError::TooMany(_)) | Trouble::Broken(_) => Contact::Inconclusive,
        Trouble::StatusTimedOut(_)
        | Trouble::StatusBroken(_)
        | Trouble::NoGrpc(_)
        | Trouble::NoStatus
        | Trouble::TooLong(_) => Contact::Answered,
    }
}

/// Channels that are open or being opened.
const CHANNELS_MAX: usize = 1_024;
