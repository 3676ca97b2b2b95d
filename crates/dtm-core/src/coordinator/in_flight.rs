//! What is only known while a transaction is being driven: calls that are out, calls that wait.

use std::collections::BTreeSet;

use super::{CallKey, Decision, Durability, Effect, Input};
use crate::model::Outcome;

/// The calls of one driven transaction. Lost when the process dies, and safe to lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    calls: BTreeSet<CallKey>,
    parked: BTreeSet<CallKey>,
    retried: BTreeSet<CallKey>,
    trouble: Option<Outcome>,
    backed_off: bool,
    resumed: bool,
    deferring: bool,
}

impl InFlight {
    /// Nothing is out. `deferring`: progress may be deferred until the first durable write.
    #[must_use]
    pub const fn new(deferring: bool) -> Self {
        Self {
            calls: BTreeSet::new(),
            parked: BTreeSet::new(),
            retried: BTreeSet::new(),
            trouble: None,
            backed_off: false,
            resumed: false,
            deferring,
        }
    }

    /// As [`InFlight::new`] for a transaction that came from the store: its calls count as retries, until its
    /// client decides.
    #[must_use]
    pub fn resumed() -> Self {
        Self { resumed: true, ..Self::new(false) }
    }

    /// Whether that call is out.
    #[must_use]
    pub fn has(&self, key: CallKey) -> bool {
        self.calls.contains(&key)
    }

    /// The calls that are out.
    #[must_use]
    pub const fn calls(&self) -> &BTreeSet<CallKey> {
        &self.calls
    }

    /// Whether that call waits for the next pass.
    #[must_use]
    pub fn is_parked(&self, key: CallKey) -> bool {
        self.parked.contains(&key)
    }

    /// Whether any call waits for the next pass.
    #[must_use]
    pub fn any_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// What kept this pass from going on.
    #[must_use]
    pub const fn trouble(&self) -> Option<&Outcome> {
        self.trouble.as_ref()
    }

    /// Whether this pass has already lengthened the interval (decision 6: one doubling a pass).
    #[must_use]
    pub const fn backed_off(&self) -> bool {
        self.backed_off
    }

    /// Whether that call may have been made before.
    #[must_use]
    pub fn is_retry(&self, key: CallKey) -> bool {
        self.resumed || self.retried.contains(&key)
    }

    /// Whether starts of actions may still be deferred.
    #[must_use]
    pub const fn deferring(&self) -> bool {
        self.deferring
    }

    /// Notes what came in. Call it before [`decide`](super::decide).
    pub fn receive(&mut self, input: &Input) {
        if let Some(key) = key_of(input) {
            self.calls.remove(&key);
        }
        if input.starts_a_pass() {
            self.retried = std::mem::take(&mut self.parked);
            self.trouble = None;
            self.backed_off = false;
        }
        if matches!(input, Input::Submitted { .. } | Input::Aborted { .. }) {
            self.resumed = false;
        }
    }

    /// Notes what was decided. Call it after [`decide`](super::decide). A decision that makes a call wait for
    /// the next pass says when that is.
    pub fn settle(&mut self, input: &Input, decision: &Decision) {
        for effect in &decision.effects {
            match effect {
                Effect::Call(call) | Effect::Probe(call) | Effect::Resume(call) => {
                    self.calls.insert(call.key);
                }
                Effect::Alert(_) | Effect::Reply(_) => {}
            }
        }
        if let (Some(key), Some(outcome)) = (key_of(input), input.outcome())
            && *outcome != Outcome::Success
            && decision.write.as_ref().is_some_and(|write| write.next_retry.is_some())
        {
            self.parked.insert(key);
            self.trouble = Some(outcome.clone());
        }
        if let Some(write) = &decision.write {
            self.backed_off |= write.failures.is_some_and(|failures| failures > 0);
            self.deferring &= write.durability == Durability::Deferrable;
        }
    }

    /// Notes that everything decided so far is durable: from now on starts are recorded before they happen.
    ///
    /// Nothing may have been decided between the moment at which the state was handed to the store and this
    /// call. Calling it earlier is always safe.
    pub const fn flushed(&mut self) {
        self.deferring = false;
    }
}

const fn key_of(input: &Input) -> Option<CallKey> {
    match input {
        Input::Branch { index, .. } => Some(CallKey::Branch(*index)),
        Input::Probed { .. } => Some(CallKey::Probe),
        Input::Resumed { .. } => Some(CallKey::Resume),
        Input::Submitted { .. }
        | Input::Aborted { .. }
        | Input::ForceStopped
        | Input::Rescheduled
        | Input::Woke => None,
    }
}
