//! One server and its connection.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dtm_proto::grpc::dtmgimp::dtm_client::DtmClient;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::super::address::{parse_url, shown, wrong};
use super::super::http::ANSWER_BYTES_MAX;
use crate::Error;

/// One server that is reached over gRPC. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Node {
    connect: Connect,
    shown: Arc<str>,
}

#[derive(Clone)]
enum Connect {
    /// The first request makes the connection: it needs a runtime around it, which setting up a client does
    /// not have to have.
    Lazily(Box<Endpoint>, Arc<OnceLock<Channel>>),
    Given(Channel),
}

const EXPECTED: &str = "expected something like http://localhost:36790";

impl Node {
    /// From `http://HOST:PORT`, `https://HOST:PORT` or `HOST:PORT`, which is without TLS.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming what is expected.
    pub(crate) fn parse(
        text: &str,
        connect_timeout: Duration,
        authorities: &[Vec<u8>],
    ) -> Result<Self, Error> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = parse_url(&with_scheme, EXPECTED)?;
        let host_only = matches!(url.path(), "" | "/") && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !host_only {
            return Err(wrong(EXPECTED));
        }
        let mut endpoint = Endpoint::from_shared(url.to_string())
            .map_err(|error| wrong(format!("{error}: {EXPECTED}")))?
            .connect_timeout(connect_timeout)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        if url.scheme() == "https" {
            let authorities = authorities.iter().map(Certificate::from_pem);
            let tls = ClientTlsConfig::new().with_webpki_roots().ca_certificates(authorities);
            endpoint = endpoint
                .tls_config(tls)
                .map_err(|error| Error::invalid("certificate_authority", root_of(&error)))?;
        }
        // as DTM's SDKs write it: without a scheme
        let address = shown(&url);
        let address = address.trim_end_matches('/');
        let address = address.strip_prefix("http://").unwrap_or(address);
        Ok(Self { connect: Connect::Lazily(Box::new(endpoint), Arc::default()), shown: address.into() })
    }

    /// Over a channel that the caller has set up.
    pub(crate) fn given(channel: Channel) -> Self {
        Self { connect: Connect::Given(channel), shown: "".into() }
    }

    /// The generated client. Call it inside a runtime.
    pub(super) fn client(&self) -> DtmClient<Channel> {
        let channel = match &self.connect {
            Connect::Lazily(endpoint, channel) => channel.get_or_init(|| endpoint.connect_lazy()),
            Connect::Given(channel) => channel,
        };
        DtmClient::new(channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// What branches are told about it.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.shown)
    }
}

fn root_of(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Node, Error> {
        Node::parse(text, Duration::from_secs(1), &[])
    }

    #[test]
    fn an_address_may_leave_out_the_scheme() {
        // sdk-wire 6: C# writes a URL, Go writes host and port
        for text in ["localhost:36790", "http://localhost:36790", "http://localhost:36790/"] {
            assert_eq!(parse(text).unwrap().shown(), "localhost:36790", "{text}");
        }
        assert_eq!(parse("https://dtm:1").unwrap().shown(), "https://dtm:1");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for text in ["", "http://", "ftp://h:1", "http://h:1/api/dtmsvr", "http://h?x", "http://u:p@h"] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "the server's address", .. }), "{text}: {error}");
        }
    }
}
