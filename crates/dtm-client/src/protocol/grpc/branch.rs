//! Calls to branches over gRPC.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dtm_core::model::Outcome;
use dtm_proto::outcome::from_grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{
    AsciiMetadataKey, AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue, MetadataMap,
};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use super::super::call::{BranchCall, Called};
use super::super::http::ANSWER_BYTES_MAX;
use super::raw_codec::RawCodec;
use crate::Error;

/// Where a branch is: `host:port/package.Service/Method`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    authority: String,
    path: PathAndQuery,
}

/// Connections to services.
#[derive(Default)]
pub(crate) struct Branches {
    channels: Mutex<HashMap<String, Channel>>,
}

/// More services than a transaction of this world has; past it, all connections are made anew.
const CHANNELS_MAX: usize = 1_024;

impl Target {
    /// # Errors
    /// [`Error::Invalid`] naming what is expected.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let wrong = || {
            let expected = "expected http://HOST/..., https://HOST/... or HOST:PORT/package.Service/Method";
            Error::invalid("the URL of a branch", format!("{url}: {expected}"))
        };
        let (authority, method) = url.split_once('/').ok_or_else(wrong)?;
        let path = PathAndQuery::try_from(format!("/{method}")).map_err(|_| wrong())?;
        let is_method = method.split_once('/').is_some_and(|(service, method)| {
            !service.is_empty() && !method.is_empty() && !method.contains(['/', '?'])
        });
        if authority.is_empty() || authority.ends_with(':') || !is_method {
            return Err(wrong());
        }
        Endpoint::from_shared(format!("http://{authority}")).map_err(|_| wrong())?;
        Ok(Self { authority: authority.to_owned(), path })
    }
}

impl Branches {
    /// Makes a call, and says what it came to.
    ///
    /// # Errors
    /// [`Error::Invalid`] when something cannot be metadata. Nothing was sent.
    pub(crate) async fn call(
        &self,
        target: &Target,
        call: &BranchCall<'_>,
        dtm: &str,
        timeout: Duration,
    ) -> Result<Called, Error> {
        let mut request =
            Request::new(call.payload.map_or_else(Vec::new, |payload| payload.as_bytes().to_vec()));
        *request.metadata_mut() = metadata(call, dtm)?;
        request.set_timeout(timeout);
        let mut grpc = tonic::client::Grpc::new(self.channel(&target.authority, timeout)?)
            .max_decoding_message_size(ANSWER_BYTES_MAX);
        let unary = async {
            if let Err(error) = grpc.ready().await {
                return Err(tonic::Status::unavailable(error.to_string()));
            }
            grpc.unary(request, target.path.clone(), RawCodec).await
        };
        Ok(match tokio::time::timeout(timeout, unary).await {
            Ok(Ok(reply)) => Called { outcome: Outcome::Success, body: reply.into_inner() },
            // the channel has seen the time-out first
            Ok(Err(status)) if status.message() == "Timeout expired" => too_late(),
            Ok(Err(status)) => Called::without_body(match from_grpc(status.code(), status.message()) {
                Outcome::Unknown { cause } => {
                    Outcome::Unknown { cause: format!("{cause}: {}", status.message()) }
                }
                // the table is about what a branch has said
                Outcome::Success if status.code() != Code::Ok => {
                    Outcome::Unknown { cause: "no status".to_owned() }
                }
                outcome => outcome,
            }),
            Err(_) => too_late(),
        })
    }

    fn channel(&self, authority: &str, timeout: Duration) -> Result<Channel, Error> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(authority) {
            return Ok(channel.clone());
        }
        if channels.len() >= CHANNELS_MAX {
            channels.clear();
        }
        let endpoint = Endpoint::from_shared(format!("http://{authority}"))
            .map_err(|error| Error::invalid("the URL of a branch", format!("{authority}: {error}")))?;
        let channel = endpoint.connect_timeout(timeout).tcp_nodelay(true).connect_lazy();
        channels.insert(authority.to_owned(), channel.clone());
        Ok(channel)
    }
}

impl fmt::Debug for Branches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Branches")
    }
}

fn too_late() -> Called {
    Called::without_body(Outcome::Unknown { cause: "no answer in time".to_owned() })
}

/// What a call says about its transaction (behaviour 45), and the branch headers. As on the server, headers
/// that belong to the protocol or to the transaction are left out.
fn metadata(call: &BranchCall<'_>, dtm: &str) -> Result<MetadataMap, Error> {
    let mut metadata = MetadataMap::new();
    let mut pairs = vec![
        ("dtm-gid", call.gid),
        ("dtm-trans_type", call.mode.as_str()),
        ("dtm-branch_id", call.branch_id),
        ("dtm-op", call.op.as_str()),
        ("dtm-dtm", dtm),
    ];
    if let Some(url) = call.phase2_url {
        pairs.push(("dtm-phase2_url", url));
    }
    for (name, value) in pairs {
        let value = AsciiMetadataValue::try_from(value)
            .map_err(|_| not_metadata(name, "only printable ASCII is possible"))?;
        metadata.insert(AsciiMetadataKey::from_static(name), value);
    }
    for (name, value) in &call.options.branch_headers {
        let name = name.to_ascii_lowercase();
        if name.starts_with("grpc-") || name.starts_with("dtm-") || RESERVED.contains(&name.as_str()) {
            continue;
        }
        if name.ends_with("-bin") {
            let key: BinaryMetadataKey =
                name.parse().map_err(|_| not_metadata(&name, "no such name is possible"))?;
            metadata.insert_bin(key, BinaryMetadataValue::from_bytes(value.as_bytes()));
        } else {
            let key: AsciiMetadataKey =
                name.parse().map_err(|_| not_metadata(&name, "no such name is possible"))?;
            let value = AsciiMetadataValue::try_from(value.as_str())
                .map_err(|_| not_metadata(&name, "its value has to be printable ASCII"))?;
            metadata.insert(key, value);
        }
    }
    Ok(metadata)
}

/// What HTTP/2 and gRPC say themselves.
const RESERVED: [&str; 7] =
    ["connection", "content-length", "content-type", "host", "te", "trailer", "user-agent"];

fn not_metadata(name: &str, why: &str) -> Error {
    Error::invalid("gRPC metadata", format!("{name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_host_and_a_method() {
        // behaviour 45
        let target = Target::parse("localhost:9/busi.Busi/TransIn").unwrap();
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("localhost:9", "/busi.Busi/TransIn"));
        for url in [
            "",
            "localhost:9",
            "h:9/Method",
            "/s.S/M",
            "h:9//M",
            "h:9/s.S/",
            "h:9/s.S/M/x",
            "h 9/s/m",
            "tcp://h/s/m",
        ] {
            let error = Target::parse(url).unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "the URL of a branch", .. }), "{url}: {error}");
        }
    }
}
