//! How a client is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, redirect};

use crate::in_process::Coordinator;
use crate::protocol::{Address, Api, Http, InProcess, Route, Server, Timeouts};
use crate::{Client, Error, Retry};

/// The settings of a [`Client`]; each has a default. Get one from [`Client::builder`],
/// [`Client::json_rpc_builder`] or, with the feature `grpc`, `Client::grpc_builder`.
///
/// ```
/// use std::time::Duration;
/// use dtm_client::Client;
///
/// let client = Client::builder("https://dtm-1.internal/api/dtmsvr")
///     .address("https://dtm-2.internal/api/dtmsvr") // asked when dtm-1 does not answer
///     .bearer_token("...")
///     .timeout(Duration::from_secs(3))
///     .build()?;
/// # let _ = client;
/// # Ok::<(), dtm_client::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder makes nothing until `build` is called"]
pub struct ClientBuilder {
    protocol: Protocol,
    addresses: Vec<String>,
    #[cfg(feature = "grpc")]
    query_addresses: Vec<String>,
    timeout: Duration,
    wait_timeout: Duration,
    retry: Retry,
    certificates: Vec<Vec<u8>>,
    headers: Vec<(String, String)>,
    http_client: Option<reqwest::Client>,
    #[cfg(feature = "grpc")]
    channel: Option<tonic::transport::Channel>,
}

#[derive(Debug, Clone)]
pub(crate) enum Protocol {
    Http,
    JsonRpc,
    #[cfg(feature = "grpc")]
    Grpc,
    InProcess(Arc<dyn Coordinator>),
}

/// A connection is there soon or not at all. Less than a time-out, so that another address can be asked.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(3);

impl ClientBuilder {
    pub(crate) fn new(protocol: Protocol, address: &str) -> Self {
        Self::of(protocol, vec![address.to_owned()])
    }

    pub(crate) fn of(protocol: Protocol, addresses: Vec<String>) -> Self {
        Self {
            protocol,
            addresses,
            #[cfg(feature = "grpc")]
            query_addresses: Vec::new(),
            timeout: Duration::from_secs(10),
            wait_timeout: Duration::from_secs(75),
            retry: Retry::default(),
            certificates: Vec::new(),
            headers: Vec::new(),
            http_client: None,
            #[cfg(feature = "grpc")]
            channel: None,
        }
    }

    /// One more address of the same server, or of another server *on the same store*.
    ///
    /// A client asks one of its addresses, drawn at random, and stays with it. A request that finds no
    /// connection, loses it, or is answered 502, 503 or 504 (over gRPC `UNAVAILABLE`) goes to the next one,
    /// and the client stays there. After a time-out the request is not repeated, but the next one goes
    /// elsewhere.
    pub fn address(mut self, address: &str) -> Self {
        self.addresses.push(address.to_owned());
        self
    }

    /// gRPC: where the HTTP API is, for [`Client::query`], [`Client::status`] and [`Client::wait`], which gRPC
    /// has no method for. May be called several times, like [`address`](Self::address).
    #[cfg(feature = "grpc")]
    pub fn query_address(mut self, address: &str) -> Self {
        self.query_addresses.push(address.to_owned());
        self
    }

    /// How long one request to the server may take, 10 seconds unless set. It has nothing to do with how
    /// long the server waits for a branch: that is `request_timeout` of each mode, for which this one stands
    /// in where the client itself calls a branch.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How long a submit with `wait_result` may take, 75 seconds unless set: its answer comes when the
    /// branches have been called, or when the server has waited for 60.
    pub fn wait_timeout(self, wait_timeout: Duration) -> Self {
        Self { wait_timeout, ..self }
    }

    /// When a request is sent again on its own.
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Trusts a certificate authority of your own, in PEM, beside the public ones.
    pub fn certificate_authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Sends a header (over gRPC: metadata) with every request to the server. Branches do not get it: see
    /// `branch_header` of each mode.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends `authorization: Bearer ...` with every request to the server.
    pub fn bearer_token(self, token: impl fmt::Display) -> Self {
        self.header(AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }

    /// Uses an HTTP client that you have set up: connection pool, proxies, TLS are yours then, and
    /// [`certificate_authority`](Self::certificate_authority) is for gRPC only. It should not follow
    /// redirects: a redirected POST arrives without its body.
    pub fn http_client(self, client: reqwest::Client) -> Self {
        Self { http_client: Some(client), ..self }
    }

    /// gRPC: uses a channel that you have set up, instead of connecting to the addresses. Load balancing,
    /// interceptors and TLS are yours then.
    #[cfg(feature = "grpc")]
    pub fn channel(self, channel: tonic::transport::Channel) -> Self {
        Self { channel: Some(channel), ..self }
    }

    /// The client. No connection is made yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] when an address cannot be one, a time-out is zero, or a header or certificate cannot
    /// be read.
    pub fn build(self) -> Result<Client, Error> {
        for (field, timeout) in [("timeout", self.timeout), ("wait_timeout", self.wait_timeout)] {
            if timeout.is_zero() {
                return Err(Error::invalid(field, "it is zero: give it some time"));
            }
        }
        let certificates =
            self.certificates.iter().map(|pem| parse_certificates(pem)).collect::<Result<Vec<_>, _>>()?;
        let http_client = match &self.http_client {
            Some(client) => client.clone(),
            None => self.make_http_client(certificates.into_iter().flatten())?,
        };
        let server = Server {
            api: self.api(&http_client)?,
            branches: http_client,
            branch_timeout: self.timeout,
            #[cfg(feature = "grpc")]
            grpc_branches: crate::protocol::grpc::Branches::default(),
        };
        Ok(Client { server: Arc::new(server) })
    }

    fn api(&self, client: &reqwest::Client) -> Result<Api, Error> {
        match &self.protocol {
            Protocol::Http => self.http(&self.addresses, client).map(Api::Http),
            Protocol::JsonRpc => self.http(&self.addresses, client).map(Api::JsonRpc),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => self.grpc(client).map(Api::Grpc),
            Protocol::InProcess(coordinator) => {
                self.check_unconnected()?;
                let (coordinator, timeouts) = (Arc::clone(coordinator), self.timeouts());
                Ok(Api::InProcess(InProcess { coordinator, timeouts }))
            }
        }
    }

    /// There is no connection that an address or a header could be for.
    fn check_unconnected(&self) -> Result<(), Error> {
        let wrong = |field| Err(Error::invalid(field, "the coordinator is in this process"));
        #[cfg(feature = "grpc")]
        if !self.query_addresses.is_empty() || self.channel.is_some() {
            return wrong("query_address or channel");
        }
        match (self.addresses.is_empty(), self.headers.is_empty()) {
            (false, _) => wrong("address"),
            (_, false) => wrong("header"),
            (true, true) => Ok(()),
        }
    }

    fn http(&self, addresses: &[String], client: &reqwest::Client) -> Result<Http, Error> {
        let addresses = addresses.iter().map(|text| Address::parse(text)).collect::<Result<_, Error>>()?;
        let route = Route::new(addresses, self.retry);
        Ok(Http::new(client.clone(), route, self.parse_headers()?, self.timeouts()))
    }

    #[cfg(feature = "grpc")]
    fn grpc(&self, client: &reqwest::Client) -> Result<crate::protocol::grpc::Grpc, Error> {
        use crate::protocol::grpc::{Grpc, Node};
        let parse = |text: &String| Node::parse(text, self.connect_timeout(), &self.certificates);
        let nodes = match &self.channel {
            Some(channel) => vec![Node::given(channel.clone())],
            None => self.addresses.iter().map(parse).collect::<Result<_, Error>>()?,
        };
        let http = match self.query_addresses.as_slice() {
            [] => None,
            addresses => Some(self.http(addresses, client)?),
        };
        Ok(Grpc {
            route: Route::new(nodes, self.retry),
            metadata: tonic::metadata::MetadataMap::from_headers(self.parse_headers()?),
            timeouts: self.timeouts(),
            http,
        })
    }

    fn make_http_client(
        &self,
        certificates: impl Iterator<Item = Certificate>,
    ) -> Result<reqwest::Client, Error> {
        let mut client = reqwest::Client::builder()
            .connect_timeout(self.connect_timeout())
            // A redirected POST would arrive as a GET without its body.
            .redirect(redirect::Policy::none())
            // A proxy for the outer world is seldom the way to a service of one's own.
            .no_proxy();
        for certificate in certificates {
            client = client.add_root_certificate(certificate);
        }
        client.build().map_err(|error| Error::invalid("the client's settings", error))
    }

    fn parse_headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            // the value is not repeated: it may be a secret
            let wrong = || Error::invalid("header", format!("{name:?} or its value is no header"));
            let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    fn connect_timeout(&self) -> Duration {
        (self.timeout / 2).min(CONNECT_TIMEOUT_MAX)
    }

    const fn timeouts(&self) -> Timeouts {
        Timeouts { usual: self.timeout, waiting: self.wait_timeout }
    }
}

/// Leaves the addresses and the headers out: they may hold a password.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("protocol", &self.protocol)
            .field("timeout", &self.timeout)
            .field("wait_timeout", &self.wait_timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// A text without any certificate is an error: trusting nobody would only show at the first request.
fn parse_certificates(pem: &[u8]) -> Result<Vec<Certificate>, Error> {
    const FIELD: &str = "certificate_authority";
    let certificates = Certificate::from_pem_bundle(pem).map_err(|error| Error::invalid(FIELD, error))?;
    if certificates.is_empty() {
        return Err(Error::invalid(FIELD, "it has no -----BEGIN CERTIFICATE----- section"));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_and_a_zero_time_out_are_refused_before_anything_is_sent() {
        for address in ["", "localhost:36789", "ftp://h", "http://h?x=1", "http://h#x", "http://"] {
            for result in [
                Client::http(address),
                Client::json_rpc(address),
                Client::builder("http://h").address(address).build(),
            ] {
                let error = result.unwrap_err();
                assert!(
                    matches!(error, Error::Invalid { field: "the server's address", .. }),
                    "{address}: {error}"
                );
            }
        }
        let error = Client::builder("http://h").timeout(Duration::ZERO).build().unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "timeout", .. }), "{error}");
        let error = Client::builder("http://h").wait_timeout(Duration::ZERO).build().unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "wait_timeout", .. }), "{error}");
    }

    #[test]
    fn a_certificate_that_is_none_is_refused() {
        let error = Client::builder("https://h").certificate_authority("no pem").build().unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "certificate_authority", .. }), "{error}");
    }

    #[test]
    fn a_header_that_is_none_is_refused_and_its_value_is_not_shown() {
        // decision 24
        for builder in [
            Client::builder("http://h").header("bad name", "secret"),
            Client::builder("http://h").bearer_token("secret\nfeed"),
        ] {
            let shown = format!("{builder:?}");
            let error = builder.build().unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "header", .. }), "{error}");
            assert!(!format!("{error} {shown}").contains("secret"), "{error} {shown}");
        }
    }
}
