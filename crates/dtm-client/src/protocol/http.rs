//! HTTP requests to the server: time-outs, retries, bounded answers.

use std::fmt;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, Url};

use super::Answer;
use crate::{Error, Retry};

/// Requests to one server.
pub(crate) struct Http {
    client: Client,
    base: Url,
    retry: Retry,
    timeout: Duration,
    wait_timeout: Duration,
}

/// How long the answer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// The server answers at once.
    Usual,
    /// The server answers when the branches have been called.
    Waiting,
}

/// No answer came.
#[derive(Debug)]
struct Lost {
    cause: String,
    again: bool,
}

/// More than the largest transaction takes, less than what hurts.
const ANSWER_BYTES_MAX: usize = 64 << 20;

impl Http {
    pub(crate) const fn new(
        client: Client,
        base: Url,
        retry: Retry,
        timeout: Duration,
        wait_timeout: Duration,
    ) -> Self {
        Self { client, base, retry, timeout, wait_timeout }
    }

    /// Asks for something that changes nothing, and returns the body of a 200.
    pub(crate) async fn ask(
        &self,
        request: &str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, Error> {
        let builder = self.client.get(self.url(path)).query(query).timeout(self.timeout);
        let request = request.to_owned();
        match self.exchange(&builder).await {
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

    /// Sends `body`; the error tells why there is no answer.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>, patience: Patience) -> Result<Answer, String> {
        let timeout = match patience {
            Patience::Usual => self.timeout,
            Patience::Waiting => self.wait_timeout,
        };
        let builder = self
            .client
            .post(self.url(path))
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body)
            .timeout(timeout);
        self.exchange(&builder).await
    }

    async fn exchange(&self, request: &RequestBuilder) -> Result<Answer, String> {
        let mut made = 1;
        loop {
            let Some(attempt) = request.try_clone() else {
                return Err("the request cannot be repeated".to_owned());
            };
            let result = attempt_once(attempt).await;
            let again = match &result {
                Ok(answer) => matches!(answer.code, 502..=504),
                Err(lost) => lost.again,
            };
            match self.retry.pause_after(made).filter(|_| again) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return result.map_err(|lost| lost.cause),
            }
            made += 1;
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path()));
        url
    }
}

/// Shows the host only: the address may hold a password.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("host", &self.base.host_str()).finish_non_exhaustive()
    }
}

async fn attempt_once(request: RequestBuilder) -> Result<Answer, Lost> {
    let response = request.send().await.map_err(lost)?;
    let code = response.status().as_u16();
    Ok(Answer { code, body: read_bounded(response).await? })
}

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, Lost> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let cause = format!("the answer is longer than {ANSWER_BYTES_MAX} bytes");
            return Err(Lost { cause, again: false });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The address is left out of the text: it may hold a password.
fn lost(error: reqwest::Error) -> Lost {
    let again = !error.is_timeout() && !error.is_builder();
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let error = error.without_url();
    let mut root: &dyn std::error::Error = &error;
    while let Some(source) = root.source() {
        root = source;
    }
    Lost { cause: format!("{what}: {root}"), again }
}
