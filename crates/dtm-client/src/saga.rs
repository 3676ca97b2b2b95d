//! A saga: built once, submitted as often as it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_core::model::{Mode, Ordering};
use dtm_proto::http::saga_custom_data;

use crate::gid::Gid;
use crate::options::{Options, common_options};
use crate::protocol::{Request, Verb};
use crate::settle::Submission;
use crate::{Client, Error, Receipt, Step};

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
    gid: Gid,
    steps: Vec<Step>,
    concurrent: bool,
    orders: BTreeMap<u64, Vec<u64>>,
    options: Options,
}

impl Saga {
    pub(crate) fn new(client: Client, gid: Gid) -> Self {
        Self {
            client,
            gid,
            steps: Vec::new(),
            concurrent: false,
            orders: BTreeMap::new(),
            options: Options::default(),
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
        self.options.wait_result = true;
        self
    }

    /// Rolls the saga back when it has not succeeded after this time. Without it, a saga goes forward for as
    /// long as it takes.
    pub const fn timeout_to_fail(mut self, after: Duration) -> Self {
        self.options.timeout_to_fail = Some(after);
        self
    }

    /// Repeats an action that did not work at once, this many times, and then rolls the saga back.
    pub const fn retry_limit(mut self, retries: u32) -> Self {
        self.options.retry_limit = Some(retries);
        self
    }

    common_options!();

    /// Hands the saga to the server. `Ok` means that it is on the server's disk and will be brought to its
    /// end, whatever crashes; with [`wait_result`](Self::wait_result), that it succeeded.
    ///
    /// May be called again, also while or after it was called: the gid stays the same, and the server does
    /// not start the same gid twice. The server answers a repetition from what it has stored.
    ///
    /// # Errors
    /// See [`Error`] for what each variant says about the saga. After [`Error::Unknown`], call it again.
    pub async fn submit(&self) -> Result<Receipt, Error> {
        let unnamed = self.checked()?;
        let gid = self.gid.resolve(&self.client).await?;
        let request = Request { gid, ..unnamed };
        let verdict = self.client.server.transaction(Verb::Submit, &request).await?;
        let submission = Submission { client: &self.client, gid, wait_result: self.options.wait_result };
        submission.settle(verdict).await
    }

    /// The request, with the gid still to be filled in when the server chooses it. Whatever cannot be used is
    /// found here, before anything is sent.
    fn checked(&self) -> Result<Request<'_>, Error> {
        self.gid.check()?;
        Ordering::concurrent(self.steps.len(), &self.orders)
            .map_err(|error| Error::invalid("order", error))?;
        Ok(Request {
            steps: self.steps.iter().map(Step::request).collect(),
            custom_data: if self.concurrent { saga_custom_data(&self.orders) } else { String::new() },
            options: self.options.checked()?,
            ..Request::new(self.gid.get().unwrap_or(""), Mode::Saga)
        })
    }
}

/// Shows the names of the headers only: their values may be secret.
impl std::fmt::Debug for Saga {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saga")
            .field("gid", &self.gid())
            .field("steps", &self.steps)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use dtm_core::model::Protocol;

    use super::*;

    fn client() -> Client {
        Client::http("http://localhost:1").unwrap()
    }

    fn json(saga: &Saga) -> serde_json::Value {
        serde_json::from_slice(&saga.checked().unwrap().encode(Protocol::Http).unwrap()).unwrap()
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
                    {"action": "http://b/do"},
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
        let cases: [(&str, Saga); 8] = [
            ("gid", client().saga("")),
            ("gid", client().saga("x".repeat(256))),
            ("gid", client().saga("two;names")), // behaviour 9
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
