//! What is to be called, and prepare and submit.

use std::time::Duration;

use dtm_core::model::Mode;
use dtm_proto::http::message_custom_data;

use crate::gid::Gid;
use crate::options::{Options, common_options, seconds};
use crate::protocol::{Request, RequestStep, Verb};
use crate::settle::{Submission, settle_prepare};
use crate::{Client, Error, IntoPayload, Payload, Receipt};

/// A message in the making. Get one from [`Client::message`] or [`Client::message_with_new_gid`].
///
/// Its steps are called in order, each until it has succeeded: a message only goes forward. It takes the place
/// of an outbox. Three ways to send it:
///
/// | when | how |
/// |---|---|
/// | always | [`submit`](Self::submit) |
/// | if a transaction of your database commits | `do_and_submit_db` (features `mysql`, `postgres`, `sqlite`) |
/// | if something else of yours succeeds | [`do_and_submit`](Self::do_and_submit) |
///
/// ```no_run
/// use std::time::Duration;
///
/// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
/// client
///     .message("order-1001")
///     .step("http://mail/send", &serde_json::json!({ "to": "alice" }))
///     .topic("order-created", &serde_json::json!({ "order": 1001 })) // to whoever has subscribed
///     .delay(Duration::from_secs(60))
///     .submit()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a message does nothing until it is submitted"]
pub struct Message {
    pub(super) client: Client,
    pub(super) gid: Gid,
    steps: Vec<MessageStep>,
    delay: Option<Duration>,
    query_prepared: String,
    options: Options,
}

#[derive(Debug)]
struct MessageStep {
    url: String,
    /// Why it could not be written is told when the message is sent.
    payload: Result<Payload, String>,
}

impl Message {
    pub(crate) fn new(client: Client, gid: Gid) -> Self {
        Self {
            client,
            gid,
            steps: Vec::new(),
            delay: None,
            query_prepared: String::new(),
            options: Options::default(),
        }
    }

    /// Calls this URL after the ones that are there. A payload that cannot be written as JSON is an error when
    /// the message is sent, before anything else happens.
    pub fn step(mut self, url: impl Into<String>, payload: impl IntoPayload) -> Self {
        let payload = payload.into_payload().map_err(|error| error.to_string());
        self.steps.push(MessageStep { url: url.into(), payload });
        self
    }

    /// Calls everybody who has subscribed to this topic when the message is prepared, or submitted without
    /// being prepared. There has to be a subscriber.
    pub fn topic(self, name: &str, payload: impl IntoPayload) -> Self {
        self.step(format!("topic://{name}"), payload)
    }

    /// Makes the first call not before this time after the message was created.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Calls all steps at once. Not over gRPC, which has no field for it.
    pub const fn concurrent(mut self) -> Self {
        self.options.concurrent = true;
        self
    }

    /// The URL of the back-check: where the server asks whether the local transaction has committed, when the
    /// message is prepared and nobody has submitted or aborted it in time.
    pub fn query_prepared(mut self, url: impl Into<String>) -> Self {
        self.query_prepared = url.into();
        self
    }

    /// Lets [`submit`](Self::submit) wait until every step has been called once.
    pub const fn wait_result(mut self) -> Self {
        self.options.wait_result = true;
        self
    }

    /// How long the server waits for a submit or abort of what is prepared, before it asks by the back-check
    /// (35 seconds unless its configuration says otherwise).
    pub const fn timeout_to_fail(mut self, after: Duration) -> Self {
        self.options.timeout_to_fail = Some(after);
        self
    }

    common_options!();

    /// Stores the message without calling anything. What becomes of it is decided by [`submit`](Self::submit)
    /// or [`abort`](Self::abort), or else by the back-check. May be repeated.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] when nobody knows whether it is stored; repeat it. Otherwise see [`Error`].
    pub async fn prepare(&self) -> Result<(), Error> {
        if self.query_prepared.is_empty() {
            let reason = "a prepared message needs a back-check: set it with query_prepared";
            return Err(Error::invalid("query_prepared", reason));
        }
        let request = self.named(self.checked()?).await?;
        let verdict = self.client.server.transaction(Verb::Prepare, &request).await?;
        settle_prepare(&self.client, request.gid, verdict).await
    }

    /// Hands the message to the server. `Ok` means that it is on the server's disk and every step will be
    /// called until it succeeds, whatever crashes; with [`wait_result`](Self::wait_result), that all have.
    ///
    /// May be called again, also while or after it was called: the server does not start the same gid twice.
    ///
    /// # Errors
    /// See [`Error`] for what each variant says about the message. After [`Error::Unknown`], call it again.
    pub async fn submit(&self) -> Result<Receipt, Error> {
        let request = self.named(self.checked()?).await?;
        let verdict = self.client.server.transaction(Verb::Submit, &request).await?;
        let submission =
            Submission { client: &self.client, gid: request.gid, wait_result: self.options.wait_result };
        submission.settle(verdict).await
    }

    /// Takes a prepared message back: nothing is called, not even the back-check.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] when nobody knows: the back-check will decide. [`Error::StillRunning`] and
    /// [`Error::AlreadySucceeded`] when it is submitted already.
    pub async fn abort(&self) -> Result<(), Error> {
        let request = self.named(self.checked()?).await?;
        let verdict = self.client.server.transaction(Verb::Abort, &request).await?;
        match settle_prepare(&self.client, request.gid, verdict).await {
            Err(Error::RolledBack { .. }) => Ok(()),
            Err(Error::NoAnswer { cause, .. }) => {
                Err(Error::NoAnswer { request: format!("abort of {}", request.gid), cause })
            }
            Err(Error::Refused { code, message, .. }) => {
                Err(Error::Refused { request: format!("abort of {}", request.gid), code, message })
            }
            other => other,
        }
    }

    /// The request, with the gid still to be filled in when the server chooses it. Whatever cannot be used is
    /// found here, before anything is sent.
    pub(super) fn checked(&self) -> Result<Request<'_>, Error> {
        self.gid.check()?;
        let delay = seconds("delay", self.delay)?;
        let options = self.options.checked()?;
        Ok(Request {
            steps: self.steps.iter().map(MessageStep::request).collect::<Result<_, _>>()?,
            custom_data: delay.map_or_else(String::new, |delay| message_custom_data(delay.get())),
            query_prepared: &self.query_prepared,
            options,
            ..Request::new(self.gid.get().unwrap_or(""), Mode::Message)
        })
    }

    pub(super) async fn named<'a>(&'a self, request: Request<'a>) -> Result<Request<'a>, Error> {
        Ok(Request { gid: self.gid.resolve(&self.client).await?, ..request })
    }

    pub(super) fn back_check(&self) -> &str {
        &self.query_prepared
    }
}

impl MessageStep {
    fn request(&self) -> Result<RequestStep<'_>, Error> {
        match &self.payload {
            Ok(payload) => Ok(RequestStep { action: &self.url, compensate: "", payload }),
            Err(reason) => {
                let reason = format!("that of {} cannot be written as JSON: {reason}", self.url);
                Err(Error::invalid("payload", reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dtm_core::model::Protocol;

    use super::*;

    fn message() -> Message {
        Client::http("http://localhost:1").unwrap().message("g")
    }

    #[test]
    fn steps_topics_delay_and_back_check_have_their_names_on_the_wire() {
        // behaviour 86, 90; features 1.7
        let message = message()
            .step("http://a/do", &7)
            .topic("news", &serde_json::json!({"x": 1}))
            .delay(Duration::from_millis(1_500))
            .concurrent()
            .query_prepared("http://a/query");
        let body = message.checked().unwrap().encode(Protocol::Http).unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
            serde_json::json!({
                "gid": "g", "trans_type": "msg",
                "steps": [{"action": "http://a/do"}, {"action": "topic://news"}],
                "payloads": ["7", "{\"x\":1}"],
                "custom_data": "{\"delay\":2}",
                "query_prepared": "http://a/query",
                "concurrent": true,
            })
        );
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_refused_before_anything_is_sent() {
        let no_json = BTreeMap::from([([1, 2], 3)]);
        let cases = [
            ("payload", message().step("http://a", &no_json)),
            ("payload", message().step("http://a", Payload::bytes([0xff]))),
            ("delay", message().delay(Duration::ZERO)),
            ("gid", Client::http("http://localhost:1").unwrap().message("")),
        ];
        for (expected, message) in cases {
            match message.submit().await {
                Err(Error::Invalid { field, .. }) => assert_eq!(field, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
        let error = message().prepare().await.unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "query_prepared", .. }), "{error}");
    }
}
