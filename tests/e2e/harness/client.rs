//! Requests to the server.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{PATIENCE, View};

/// The body of every success without a value (behaviour 1).
pub(crate) const SUCCESS: &str = r#"{"dtm_result":"SUCCESS"}"#;

/// A client of one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    root: String,
}

/// A complete answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE * 3).build();
        Self { http: http.expect("a client can be made"), root: format!("http://127.0.0.1:{port}") }
    }

    /// Any request, with any body and content type.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: impl Into<Bytes>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.http.request(method, format!("{}{path}", self.root)).body(body.into());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.text().await? })
    }

    /// POST of a text to `/api/dtmsvr/<verb>`.
    pub(crate) async fn post_text(&self, verb: &str, body: impl Into<Bytes>) -> Answer {
        let path = format!("/api/dtmsvr/{verb}");
        self.send(Method::POST, &path, Some("application/json"), body).await.expect("the server answers")
    }

    /// POST of a JSON value to `/api/dtmsvr/<verb>`.
    pub(crate) async fn post(&self, verb: &str, body: &Value) -> Answer {
        self.post_text(verb, body.to_string()).await
    }

    /// As [`Client::post`], with an error for a connection that breaks.
    pub(crate) async fn try_post(&self, verb: &str, body: &Value) -> Result<Answer, reqwest::Error> {
        let path = format!("/api/dtmsvr/{verb}");
        self.send(Method::POST, &path, Some("application/json"), body.to_string()).await
    }

    /// GET of a path with its query.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, "").await.expect("the server answers")
    }

    /// `/query` of a gid.
    pub(crate) async fn query(&self, gid: &str) -> View {
        let answer = self.get(&format!("/api/dtmsvr/query?gid={}", escaped(gid))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        View::of(&answer.body)
    }

    /// As [`Client::query`], with an error for a connection that breaks, and `None` when the server does not know.
    pub(crate) async fn try_query(&self, gid: &str) -> Result<Option<View>, reqwest::Error> {
        let path = format!("/api/dtmsvr/query?gid={}", escaped(gid));
        let answer = self.send(Method::GET, &path, None, "").await?;
        Ok((answer.status == 200).then(|| View::of(&answer.body)))
    }

    /// Asks until `/query` shows what is wanted: from outside, there is nothing else to wait for.
    pub(crate) async fn until(&self, gid: &str, wanted: impl Fn(&View) -> bool) -> View {
        self.until_within(PATIENCE, gid, wanted).await
    }

    /// The same, with another patience.
    pub(crate) async fn until_within(
        &self,
        patience: Duration,
        gid: &str,
        wanted: impl Fn(&View) -> bool,
    ) -> View {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            let view = self.query(gid).await;
            if wanted(&view) {
                return view;
            }
            assert!(begun.elapsed() < patience, "{gid} does not get there: {view:#?}");
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Waits until the transaction has ended, one way or the other.
    pub(crate) async fn end_of(&self, gid: &str) -> View {
        self.until(gid, View::has_ended).await
    }

    /// Submits, and expects it to be accepted.
    pub(crate) async fn submit(&self, body: &Value) {
        self.accepts("submit", body).await;
    }

    /// POST of a JSON value that is expected to succeed.
    pub(crate) async fn accepts(&self, verb: &str, body: &Value) {
        let answer = self.post(verb, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, SUCCESS), "{verb} {body}");
    }
}

impl Answer {
    /// Status and body, to compare with one assertion.
    pub(crate) fn parts(&self) -> (u16, &str) {
        (self.status, &self.body)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The text of `message`.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_else(|| panic!("no message: {}", self.body)).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("headers are text"))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}

/// A value in a query, or a segment of a path.
pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
