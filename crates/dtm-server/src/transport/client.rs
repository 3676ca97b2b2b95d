//! One HTTP exchange with bounds on everything: time, headers, body.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;

use dtm_core::model::truncate;

use super::connector::BoundedConnector;
use super::resolver::Resolver;
use super::tls;
use crate::config::TransportConfig;

/// A pooled HTTP/1.1 client, plain and with TLS. Cheap to clone; the clones share their connections. It does
/// not follow redirections, and sends nothing twice: a request goes to a second connection only if not one
/// byte of it was given to the first.
#[derive(Clone)]
pub struct HttpClient {
    pooled: Client<BoundedConnector, Full<Bytes>>,
    trusts_anybody: bool,
    body_bytes_max: usize,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// More than the contained number of bytes: nobody knows what it says, and its connection was dropped.
    TooLong(usize),
}

/// Why there is no answer, in words for logs and alerts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No connection: nothing was sent.
    #[error("could not connect: {0}")]
    NotReached(String),
    /// An `https` URL, and no root certificates: nothing was sent.
    #[error(
        "https is not possible without root certificates: install ca-certificates or set SSL_CERT_FILE, and restart"
    )]
    NoRoots,
    /// The time was over before an answer began.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The connection broke before an answer began, or what came was not HTTP.
    #[error("no answer: {0}")]
    Broken(String),
    /// An answer began, but its body did not end within the time.
    #[error("answered HTTP status {status}, but the body did not end within {} s", limit.as_secs_f64())]
    BodyTimedOut {
        /// The status that came.
        status: StatusCode,
        /// The time that was over.
        limit: Duration,
    },
    /// An answer began, but the connection broke.
    #[error("answered HTTP status {status}, but the body broke off: {cause}")]
    BodyBroken {
        /// The status that came.
        status: StatusCode,
        /// What happened.
        cause: String,
    },
}

impl HttpClient {
    /// A client that trusts the operating system's root certificates. When there are none, a warning says so
    /// and every `https` request ends as [`Trouble::NoRoots`].
    ///
    /// # Errors
    /// When TLS cannot be set up at all.
    pub fn new(config: &TransportConfig) -> Result<Self, rustls::Error> {
        Self::with_roots(config, tls::native_roots())
    }

    /// The same, with a resolver whose bounds it shares with others.
    pub(super) fn resolving_by(config: &TransportConfig, resolver: Resolver) -> Result<Self, rustls::Error> {
        Self::built(config, tls::native_roots(), resolver)
    }

    pub(crate) fn with_roots(config: &TransportConfig, roots: RootCertStore) -> Result<Self, rustls::Error> {
        Self::built(config, roots, Resolver::new())
    }

    fn built(
        config: &TransportConfig,
        roots: RootCertStore,
        resolver: Resolver,
    ) -> Result<Self, rustls::Error> {
        let trusts_anybody = !roots.is_empty();
        let connector = BoundedConnector::new(tls::client_config(roots)?, config.connect_timeout, resolver);
        let pooled = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(config.idle_per_destination)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .build(connector);
        Ok(Self { pooled, trusts_anybody, body_bytes_max: config.response_bytes_max })
    }

    /// Sends a request and reads the answer, all within `limit`.
    ///
    /// # Errors
    /// [`Trouble`] when there is no complete answer.
    pub async fn exchange(&self, request: Request<Full<Bytes>>, limit: Duration) -> Result<Answer, Trouble> {
        if !self.trusts_anybody && request.uri().scheme_str() == Some("https") {
            return Err(Trouble::NoRoots);
        }
        let mut begun = None;
        let exchange = async {
            let response = self.pooled.request(request).await.map_err(|error| no_answer(&error))?;
            let status = response.status();
            begun = Some(status);
            let body = read(response.into_body(), self.body_bytes_max)
                .await
                .map_err(|error| Trouble::BodyBroken { status, cause: in_words(&error) })?;
            Ok(Answer { status, body })
        };
        match tokio::time::timeout(limit, exchange).await {
            Ok(ended) => ended,
            Err(_) => Err(match begun {
                None => Trouble::TimedOut(limit),
                Some(status) => Trouble::BodyTimedOut { status, limit },
            }),
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("body_bytes_max", &self.body_bytes_max).finish_non_exhaustive()
    }
}

/// Reads a body of at most `max` bytes. Dropping the rest drops the connection.
async fn read(mut body: Incoming, max: usize) -> Result<Body, hyper::Error> {
    let max_length = u64::try_from(max).unwrap_or(u64::MAX);
    if body.size_hint().lower() > max_length {
        return Ok(Body::TooLong(max));
    }
    // nearly every answer is one frame, which needs no copy
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.len() + more.len() + data.len() > max {
            return Ok(Body::TooLong(max));
        }
        if first.is_empty() {
            first = data;
        } else {
            more.extend_from_slice(&data);
        }
    }
    if more.is_empty() {
        return Ok(Body::Whole(first));
    }
    let mut whole = BytesMut::with_capacity(first.len() + more.len());
    whole.extend_from_slice(&first);
    whole.unsplit(more);
    Ok(Body::Whole(whole.freeze()))
}

fn no_answer(error: &ClientError) -> Trouble {
    let words = std::error::Error::source(error).map_or_else(|| error.to_string(), in_words);
    if error.is_connect() { Trouble::NotReached(words) } else { Trouble::Broken(words) }
}

/// An error with its sources, which have the details, each said once.
pub(super) fn in_words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !words.ends_with(&cause) {
            words.push_str(": ");
            words.push_str(&cause);
        }
        source = error.source();
    }
    truncate(&words, WORDS_BYTES_MAX).to_owned()
}

/// The longest head of an answer in bytes.
const HEAD_BYTES_MAX: usize = 65_536;
/// The longest description of an error in bytes: what the other side sent may be part of it.
const WORDS_BYTES_MAX: usize = 512;
