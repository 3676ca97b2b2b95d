//! How a client is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Url, redirect};

use crate::protocol::Http;
use crate::{Client, Error, Retry};

/// The settings of a [`Client`]; each has a default.
///
/// ```
/// use std::time::Duration;
/// use dtm_client::Client;
///
/// let client = Client::builder("https://dtm.internal/api/dtmsvr").timeout(Duration::from_secs(3)).build()?;
/// # let _ = client;
/// # Ok::<(), dtm_client::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientBuilder {
    address: String,
    timeout: Duration,
    wait_timeout: Duration,
    retry: Retry,
    certificates: Vec<Vec<u8>>,
}

/// What a client that was given no path asks for.
const DEFAULT_PATH: &str = "/api/dtmsvr";

impl ClientBuilder {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            timeout: Duration::from_secs(10),
            wait_timeout: Duration::from_secs(75),
            retry: Retry::default(),
            certificates: Vec::new(),
        }
    }

    /// How long one request to the server may take, 10 seconds unless set. It has nothing to do with how
    /// long the server waits for a branch: that is [`Saga::request_timeout`](crate::Saga::request_timeout).
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How long a submit with [`Saga::wait_result`](crate::Saga::wait_result) may take, 75 seconds unless
    /// set: its answer comes when the branches have been called, or when the server has waited for 60.
    #[must_use]
    pub fn wait_timeout(self, wait_timeout: Duration) -> Self {
        Self { wait_timeout, ..self }
    }

    /// When a request is sent again on its own.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Trusts a certificate authority of your own, in PEM, beside the public ones.
    #[must_use]
    pub fn certificate_authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// The client. No connection is made yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address is not an `http://` or `https://` URL, a time-out is zero, or a
    /// certificate cannot be read.
    pub fn build(self) -> Result<Client, Error> {
        let base = parse_address(&self.address)?;
        for (field, timeout) in [("timeout", self.timeout), ("wait_timeout", self.wait_timeout)] {
            if timeout.is_zero() {
                return Err(Error::Invalid { field, reason: "it is zero: give it some time".to_owned() });
            }
        }
        let mut transport = reqwest::Client::builder()
            .connect_timeout(self.timeout)
            // A redirected POST would arrive as a GET without its body.
            .redirect(redirect::Policy::none())
            // A proxy for the outer world is seldom the way to a service of one's own.
            .no_proxy();
        for pem in &self.certificates {
            for certificate in parse_certificates(pem)? {
                transport = transport.add_root_certificate(certificate);
            }
        }
        let transport = transport.build().map_err(|error| invalid("the client's settings", error))?;
        let http = Http::new(transport, base, self.retry, self.timeout, self.wait_timeout);
        Ok(Client { http: Arc::new(http) })
    }
}

/// Leaves the address out: it may hold a password.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("timeout", &self.timeout)
            .field("wait_timeout", &self.wait_timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

fn parse_address(address: &str) -> Result<Url, Error> {
    const EXPECTED: &str = "expected something like http://localhost:36789/api/dtmsvr";
    let mut base = Url::parse(address)
        .map_err(|error| invalid("the server's address", format!("{error}: {EXPECTED}")))?;
    if !matches!(base.scheme(), "http" | "https") || base.query().is_some() || base.fragment().is_some() {
        return Err(invalid("the server's address", EXPECTED));
    }
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(if path.is_empty() { DEFAULT_PATH } else { &path });
    Ok(base)
}

/// A text without any certificate is an error: trusting nobody would only show at the first request.
fn parse_certificates(pem: &[u8]) -> Result<Vec<Certificate>, Error> {
    const FIELD: &str = "certificate_authority";
    let certificates = Certificate::from_pem_bundle(pem).map_err(|error| invalid(FIELD, error))?;
    if certificates.is_empty() {
        return Err(invalid(FIELD, "it has no -----BEGIN CERTIFICATE----- section"));
    }
    Ok(certificates)
}

fn invalid(field: &'static str, reason: impl fmt::Display) -> Error {
    Error::Invalid { field, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_end_with_a_slash_or_leave_out_the_path() {
        for address in ["http://h:1", "http://h:1/", "http://h:1/api/dtmsvr", "http://h:1/api/dtmsvr/"] {
            assert_eq!(parse_address(address).unwrap().as_str(), "http://h:1/api/dtmsvr", "{address}");
        }
        assert_eq!(parse_address("https://h/dtm/").unwrap().as_str(), "https://h/dtm");
    }

    #[test]
    fn an_address_that_is_none_and_a_zero_time_out_are_refused_before_anything_is_sent() {
        for address in ["", "localhost:36789", "ftp://h", "http://h?x=1", "http://h#x", "http://"] {
            let error = Client::http(address).unwrap_err();
            assert!(
                matches!(error, Error::Invalid { field: "the server's address", .. }),
                "{address}: {error}"
            );
        }
        let error = Client::builder("http://h").timeout(Duration::ZERO).build().unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "timeout", .. }), "{error}");
    }

    #[test]
    fn a_certificate_that_is_none_is_refused() {
        let error = Client::builder("https://h").certificate_authority("no pem").build().unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "certificate_authority", .. }), "{error}");
    }
}
