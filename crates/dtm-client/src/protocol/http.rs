//! HTTP requests to the server: time-outs, fail-over, bounded answers.

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, RequestBuilder, Response, Url};

use super::route::{Attempt, Next, Route};
use super::{Address, Answer, Patience};
use crate::Error;

/// Requests to one server, or to several on one store.
pub(crate) struct Http {
    pub(super) client: Client,
    pub(super) route: Route<Address>,
    pub(super) headers: HeaderMap,
    pub(super) timeouts: Timeouts,
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) usual: Duration,
    pub(crate) waiting: Duration,
}

impl Timeouts {
    pub(super) const fn of(&self, patience: Patience) -> Duration {
        match patience {
            Patience::Usual => self.usual,
            Patience::Waiting => self.waiting,
        }
    }
}

/// More than the largest transaction takes, less than what hurts.
pub(super) const ANSWER_BYTES_MAX: usize = 64 << 20;

impl Http {
    pub(crate) const fn new(
        client: Client,
        route: Route<Address>,
        headers: HeaderMap,
        timeouts: Timeouts,
    ) -> Self {
        Self { client, route, headers, timeouts }
    }

    /// Asks for something that changes nothing, and returns the body of a 200.
    pub(crate) async fn ask(
        &self,
        request: &str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, Error> {
        let attempt = |address: Address| {
            let get = self.client.get(address.request(path)).query(query);
            self.exchange(get, Patience::Usual)
        };
        let request = request.to_owned();
        match self.route.send(self.timeouts.usual, attempt).await {
            Ok(Answer { code: 200, body }) => Ok(body),
            Ok(answer @ Answer { code: 300..=407 | 409..=428 | 430..=499, .. }) => {
                Err(Error::Refused { request, code: answer.code, message: answer.message() })
            }
            Ok(answer) => {
                Err(Error::NoAnswer { request, cause: format!("HTTP {}: {}", answer.code, answer.message()) })
            }
            Err(cause) => Err(Error::NoAnswer { request, cause }),
        }
    }

    /// Sends `body` to the address that `url` makes of the server's; the error tells why there is no answer.
    pub(crate) async fn post(
        &self,
        url: impl Fn(&Address) -> Url,
        body: &[u8],
        patience: Patience,
    ) -> Result<Answer, String> {
        let attempt = |address: Address| {
            let post = self.client.post(url(&address)).header(CONTENT_TYPE, "application/json");
            self.exchange(post.body(body.to_vec()), patience)
        };
        self.route.send(self.timeouts.of(patience), attempt).await
    }

    fn exchange(
        &self,
        request: RequestBuilder,
        patience: Patience,
    ) -> impl Future<Output = Attempt<Answer>> + use<> {
        attempt_once(request.headers(self.headers.clone()).timeout(self.timeouts.of(patience)))
    }
}

/// Shows the hosts only: an address may hold a password.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.route.addresses().iter().map(|address| address.api.host_str());
        f.debug_struct("Http").field("hosts", &hosts.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

async fn attempt_once(request: RequestBuilder) -> Attempt<Answer> {
    match exchange_once(request).await {
        Ok(answer) => {
            let next = if matches!(answer.code, 502..=504) { Next::Again } else { Next::Stay };
            Attempt { result: Ok(answer), next }
        }
        Err(Lost { cause, next }) => Attempt { result: Err(cause), next },
    }
}

/// No answer came.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) cause: String,
    next: Next,
}

/// One request, and its whole answer.
pub(super) async fn exchange_once(request: RequestBuilder) -> Result<Answer, Lost> {
    let response = request.send().await.map_err(lost)?;
    let code = response.status().as_u16();
    Ok(Answer { code, body: read_bounded(response).await? })
}

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, Lost> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let cause = format!("the answer is longer than {ANSWER_BYTES_MAX} bytes");
            return Err(Lost { cause, next: Next::Stay });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The address is left out of the text: it may hold a password.
fn lost(error: reqwest::Error) -> Lost {
    let (what, next) = if error.is_builder() {
        ("the request cannot be made", Next::Stay)
    } else if error.is_connect() {
        // also when it took too long: nothing was sent
        ("no connection", Next::Again)
    } else if error.is_timeout() {
        ("no answer in time", Next::Leave)
    } else {
        ("the connection broke", Next::Again)
    };
    let error = error.without_url();
    let mut root: &dyn std::error::Error = &error;
    while let Some(source) = root.source() {
        root = source;
    }
    Lost { cause: format!("{what}: {root}"), next }
}
