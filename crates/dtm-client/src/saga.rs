//! A saga: built once, submitted as often as it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::model::{Gid, Mode, Ordering, Status};
use reqwest::header::{HeaderName, HeaderValue};
use tokio::sync::OnceCell;

use crate::protocol::{Patience, SagaCustomData, SubmitBody, SubmitStep};
use crate::settle::Submission;
use crate::{Client, Error, Step};

/// A saga in the making. Get one from [`Client::saga`] or [`Client::saga_with_new_gid`].
///
/// ```no_run
/// use std::time::Duration;
/// use dtm_client::{Client, Step};
///
/// # async fn example(client: Client) -> Result<(), dtm_client::Error> {
/// let trip = client
///     .saga("trip-7")
///     .step(Step::new("http://hotel/book", "http://hotel/cancel"))
///     .step(Step::new("http://flight/book", "http://flight/cancel"))
///     .step(Step::new("http://mail/send", ""))
///     .order(2, [0, 1]) // the mail goes out when both are booked
///     .branch_header("authorization", "Bearer ...")
///     .request_timeout(Duration::from_secs(5))
///     .timeout_to_fail(Duration::from_secs(600))
///     .retry_interval(Duration::from_secs(15));
/// trip.submit().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a saga does nothing until it is submitted"]
pub struct Saga {
    client: Client,
    gid: OnceCell<String>,
    steps: Vec<Step>,
    concurrent: bool,
    orders: BTreeMap<u64, Vec<u64>>,
    wait_result: bool,
    timeout_to_fail: Option<Duration>,
    request_timeout: Option<Duration>,
    retry_interval: Option<Duration>,
    retry_limit: Option<u32>,
    branch_headers: BTreeMap<String, String>,
}

/// The server has the saga.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The name under which the server knows it.
    pub gid: String,
    /// `Submitted`: accepted, durable, on its way. `Succeed`: every action is done; always so after a
    /// submit with [`Saga::wait_result`].
    pub status: Status,
}

impl Saga {
    pub(crate) fn new(client: Client, gid: Option<String>) -> Self {
        Self {
            client,
            gid: OnceCell::new_with(gid),
            steps: Vec::new(),
            concurrent: false,
            orders: BTreeMap::new(),
            wait_result: false,
            timeout_to_fail: None,
            request_timeout: None,
            retry_interval: None,
            retry_limit: None,
            branch_headers: BTreeMap::new(),
        }
    }

    /// Adds a step after the ones that are there.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Starts all steps at once, except for those that [`order`](Self::order) holds back. Compensations run
    /// concurrently too, against the order.
    pub fn concurrent(mut self) -> Self {
        self.concurrent = true;
        self
    }

    /// Makes the saga concurrent and holds back step `step` until all steps of `after` have succeeded. Steps
    /// are counted from 0, in the order in which they were added.
    pub fn order(mut self, step: usize, after: impl IntoIterator<Item = usize>) -> Self {
        let before = self.orders.entry(step as u64).or_default();
        before.extend(after.into_iter().map(|index| index as u64));
        self.concurrent()
    }

    /// Lets [`submit`](Self::submit) wait until every step has been called once, and tells how the saga
    /// ended.
    pub const fn wait_result(mut self) -> Self {
        self.wait_result = true;
        self
    }

    /// Rolls the saga back when it has not succeeded after this time. Without it, a saga goes forward for as
    /// long as it takes. Rounded up to whole seconds, like every time here.
    pub const fn timeout_to_fail(mut self, after: Duration) -> Self {
        self.timeout_to_fail = Some(after);
        self
    }

    /// How long the server waits for the answer to one call of a branch (3 seconds unless its configuration
    /// says otherwise). When it is over, nobody knows whether the branch did it: it is called again later.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// The time until the first repetition of a call that did not work (10 seconds unless the server's
    /// configuration says otherwise); it doubles from failing pass to failing pass.
    pub const fn retry_interval(mut self, interval: Duration) -> Self {
        self.retry_interval = Some(interval);
        self
    }

    /// Repeats an action that did not work at once, this many times, and then rolls the saga back.
    pub const fn retry_limit(mut self, retries: u32) -> Self {
        self.retry_limit = Some(retries);
        self
    }

    /// Sends a header with every call to every branch: authorization, a tenant. It is stored with the saga.
    pub fn branch_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.branch_headers.insert(name.into(), value.into());
        self
    }

    /// The name of the saga; `None` until the server has chosen one.
    ///
    /// ```
    /// # let client = dtm_client::Client::http("http://localhost:36789")?;
    /// assert_eq!(client.saga("order-1001").gid(), Some("order-1001"));
    /// assert_eq!(client.saga_with_new_gid().gid(), None);
    /// # Ok::<(), dtm_client::Error>(())
    /// ```
    #[must_use]
    pub fn gid(&self) -> Option<&str> {
        self.gid.get().map(String::as_str)
    }

    /// Hands the saga to the server. `Ok` means that it is on the server's disk and will be brought to its
    /// end, whatever crashes; with [`wait_result`](Self::wait_result), that it succeeded.
    ///
    /// May be called again, also while or after it was called: the gid stays the same, and the server does
    /// not start the same gid twice. The server answers a repetition from what it has stored.
    ///
    /// # Errors
    /// See [`Error`] for what each variant says about the saga. After [`Error::Unknown`], call it again.
    pub async fn submit(&self) -> Result<Receipt, Error> {
        let body_of = self.checked()?;
        let gid = self.gid.get_or_try_init(|| self.client.new_gid()).await?;
        let body = serde_json::to_vec(&SubmitBody { gid, ..body_of })
            .map_err(|error| Error::Invalid { field: "the saga", reason: error.to_string() })?;
        let patience = if self.wait_result { Patience::Waiting } else { Patience::Usual };
        let answer = self.client.http.post("submit", body, patience).await;
        let submission = Submission { client: &self.client, gid, wait_result: self.wait_result };
        submission.settle(answer).await
    }

    /// The body, with the gid still to be filled in when the server chooses it. Whatever cannot be used is
    /// found here, before anything is sent.
    fn checked(&self) -> Result<SubmitBody<'_>, Error> {
        let gid = self.gid().unwrap_or("");
        if self.gid.initialized() {
            Gid::parse(gid).map_err(|error| invalid("gid", error))?;
        }
        Ordering::concurrent(self.steps.len(), &self.orders).map_err(|error| invalid("order", error))?;
        for (name, value) in &self.branch_headers {
            HeaderName::try_from(name.as_str())
                .map_err(|error| invalid("branch_header", format!("{name:?}: {error}")))?;
            HeaderValue::from_str(value)
                .map_err(|error| invalid("branch_header", format!("the value of {name}: {error}")))?;
        }
        Ok(SubmitBody {
            gid,
            trans_type: Mode::Saga.as_str(),
            steps: self
                .steps
                .iter()
                .map(|step| SubmitStep { action: &step.action, compensate: &step.compensate })
                .collect(),
            payloads: self.steps.iter().map(|step| step.payload.as_str()).collect(),
            custom_data: self.custom_data()?,
            wait_result: self.wait_result,
            timeout_to_fail: seconds("timeout_to_fail", self.timeout_to_fail)?,
            request_timeout: seconds("request_timeout", self.request_timeout)?,
            retry_interval: seconds("retry_interval", self.retry_interval)?,
            retry_limit: self.retry_limit,
            branch_headers: &self.branch_headers,
        })
    }

    fn custom_data(&self) -> Result<Option<String>, Error> {
        let custom_data = SagaCustomData { concurrent: true, orders: &self.orders };
        self.concurrent
            .then(|| serde_json::to_string(&custom_data).map_err(|error| invalid("order", error)))
            .transpose()
    }
}

/// Shows the names of the headers only: their values may be secret.
impl std::fmt::Debug for Saga {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saga")
            .field("gid", &self.gid())
            .field("steps", &self.steps)
            .field("branch_headers", &self.branch_headers.keys())
            .finish_non_exhaustive()
    }
}

/// Whole seconds, rounded up: a short time must not become 0, which means "not set" on the wire.
fn seconds(field: &'static str, time: Option<Duration>) -> Result<Option<u32>, Error> {
    let Some(time) = time else { return Ok(None) };
    let whole = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    match u32::try_from(whole) {
        Ok(0) => Err(invalid(field, "it is zero: leave it out for the server's default")),
        Ok(seconds) => Ok(Some(seconds)),
        Err(_) => Err(invalid(field, format!("{whole} seconds are more than {}", u32::MAX))),
    }
}

fn invalid(field: &'static str, reason: impl std::fmt::Display) -> Error {
    Error::Invalid { field, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client::http("http://localhost:1").unwrap()
    }

    fn json(saga: &Saga) -> serde_json::Value {
        serde_json::to_value(saga.checked().unwrap()).unwrap()
    }

    #[test]
    fn a_plain_saga_sends_nothing_but_its_steps_and_payloads() {
        let step =
            Step::new("http://a/do", "http://a/undo").payload(&serde_json::json!({"cents": 30})).unwrap();
        let saga = client().saga("g").step(step).step(Step::new("http://b/do", ""));
        assert_eq!(
            json(&saga),
            serde_json::json!({
                "gid": "g",
                "trans_type": "saga",
                "steps": [
                    {"action": "http://a/do", "compensate": "http://a/undo"},
                    {"action": "http://b/do", "compensate": ""},
                ],
                "payloads": ["{\"cents\":30}", "null"],
            })
        );
    }

    #[test]
    fn every_option_has_its_name_on_the_wire() {
        // features 1.2
        let saga = client()
            .saga("g")
            .step(Step::new("a", "b"))
            .step(Step::new("c", "d"))
            .order(1, [0])
            .wait_result()
            .timeout_to_fail(Duration::from_millis(1_500))
            .request_timeout(Duration::from_secs(5))
            .retry_interval(Duration::from_millis(1))
            .retry_limit(3)
            .branch_header("x-tenant", "blue");
        let body = json(&saga);
        // behaviour 67: the top-level field is not read for sagas
        assert_eq!(body["custom_data"], r#"{"concurrent":true,"orders":{"1":[0]}}"#);
        assert_eq!(body["wait_result"], true);
        assert_eq!(body["timeout_to_fail"], 2, "rounded up");
        assert_eq!(body["request_timeout"], 5);
        assert_eq!(body["retry_interval"], 1, "never 0, which means not set");
        assert_eq!(body["retry_limit"], 3);
        assert_eq!(body["branch_headers"], serde_json::json!({"x-tenant": "blue"}));
    }

    #[test]
    fn what_cannot_be_used_is_refused_before_anything_is_sent() {
        // decision 14
        let cases: [(&str, Saga); 7] = [
            ("gid", client().saga("")),
            ("gid", client().saga("x".repeat(256))),
            ("order", client().saga("g").step(Step::new("a", "b")).order(0, [0])),
            ("order", client().saga("g").step(Step::new("a", "b")).order(0, [7])),
            ("branch_header", client().saga("g").branch_header("bad name", "v")),
            ("branch_header", client().saga("g").branch_header("x", "line\nfeed")),
            ("timeout_to_fail", client().saga("g").timeout_to_fail(Duration::ZERO)),
        ];
        for (expected, saga) in cases {
            match saga.checked() {
                Err(Error::Invalid { field, .. }) => assert_eq!(field, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }
}
