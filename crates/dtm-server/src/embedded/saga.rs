//! Sagas.

use std::collections::BTreeMap;

use dtm_core::model::{Mode, Payload};
use dtm_proto::http::{StepRequest, saga_custom_data};

use super::options::options;
use super::request::Request;
use super::{Coordinator, Error, Receipt, Step};

/// Steps, each with an action and a compensation. When an action says "no", the compensations are called in reverse.
#[derive(Debug, Clone)]
#[must_use = "a saga does nothing until it is submitted"]
pub struct Saga {
    request: Request,
    orders: BTreeMap<u64, Vec<u64>>,
}

impl Saga {
    pub(super) fn new(coordinator: Coordinator, gid: &str) -> Self {
        Self { request: Request::new(coordinator, gid, Mode::Saga), orders: BTreeMap::new() }
    }

    options!();

    /// Adds a step; steps are counted from 0.
    pub fn step(mut self, step: Step) -> Self {
        let Step { action, compensate, payload } = step;
        let step =
            StepRequest { action: action.into(), compensate: compensate.into(), data: Payload::empty() };
        self.request.body.steps.push(step);
        self.request.body.payloads.push(payload);
        self
    }

    /// Calls all actions at once, except for those that [`order`](Self::order) holds back.
    pub fn concurrent(mut self) -> Self {
        self.request.body.custom_data = saga_custom_data(&self.orders);
        self
    }

    /// Holds step `step` back until the steps `after` have succeeded; implies [`concurrent`](Self::concurrent).
    pub fn order(mut self, step: usize, after: impl IntoIterator<Item = usize>) -> Self {
        let before = self.orders.entry(step as u64).or_default();
        before.extend(after.into_iter().map(|index| index as u64));
        self.concurrent()
    }

    /// How often an action that fails with an error is called again at once, before the saga is rolled back. Without it, an
    /// error never rolls back.
    pub fn retry_limit(mut self, retries: u32) -> Self {
        self.request.body.retry_limit = retries.into();
        self
    }

    /// Stores the saga, and starts it. Once it has returned `Ok`, the saga is durable, and is brought to its end whatever
    /// happens to this process. The same saga may be submitted as often as it takes: it runs once. A future that is dropped
    /// leaves it stored or not; submit it again to know.
    ///
    /// # Errors
    /// [`Error`] saying what holds.
    pub async fn submit(&self) -> Result<Receipt, Error> {
        self.request.submit().await
    }
}
