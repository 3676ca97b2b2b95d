//! How the modes put a decision together: they say what happened, the draft keeps the books.

use std::sync::Arc;

use super::{
    Alert, BranchCall, CallKey, CallOp, Decision, Durability, Effect, Illegal, InFlight, Input, PassEnd,
    Policy, Write,
};
use crate::model::{
    Amendment, BranchId, BranchIndex, BranchProgress, BranchStatus, Options, Outcome, Payload, Seconds,
    Status, Timestamp, Transaction, truncate,
};

/// A decision in the making.
pub(super) struct Draft<'a> {
    pub(super) transaction: &'a Transaction,
    pub(super) in_flight: &'a InFlight,
    pub(super) input: &'a Input,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    write: Write,
    effects: Vec<Effect>,
    calls: usize,
    parked: Option<CallKey>,
    wake: Option<Timestamp>,
}

/// What a call is about; the draft adds what is the same for all calls of a transaction.
pub(super) struct Target<'t> {
    pub(super) key: CallKey,
    pub(super) branch_id: BranchId,
    pub(super) op: CallOp,
    pub(super) url: &'t Arc<str>,
    pub(super) payload: &'t Payload,
}

impl<'a> Draft<'a> {
    pub(super) const fn new(
        transaction: &'a Transaction,
        in_flight: &'a InFlight,
        input: &'a Input,
        policy: &'a Policy,
        now: Timestamp,
    ) -> Self {
        Self {
            transaction,
            in_flight,
            input,
            policy,
            now,
            write: Write::unchanged(transaction.state.status, now),
            effects: Vec::new(),
            calls: 0,
            parked: None,
            wake: None,
        }
    }

    /// The status as this decision leaves it.
    pub(super) fn status(&self) -> Status {
        self.write.status.unwrap_or(self.transaction.state.status)
    }

    /// The row as this decision leaves it. A row that has succeeded stays as it is.
    pub(super) fn row(&self, index: BranchIndex) -> BranchProgress {
        let stored = self.transaction.state.progress_of(index);
        if stored.status == BranchStatus::Succeed {
            return stored;
        }
        self.write.rows.get(&index).copied().unwrap_or(stored)
    }

    /// The options as this decision leaves them.
    pub(super) fn options(&self) -> &Options {
        self.write
            .amendment
            .as_ref()
            .map_or_else(|| self.transaction.options(), |amendment| &amendment.options)
    }

    /// The delay of a message as this decision leaves it.
    pub(super) fn delay(&self) -> Option<Seconds> {
        self.write.amendment.as_ref().and_then(|amendment| amendment.delay).or(self.transaction.delay())
    }

    /// Whether this call was out before this decision.
    pub(super) fn is_out(&self, key: CallKey) -> bool {
        self.in_flight.has(key)
    }

    /// Whether this call waits for the next pass.
    pub(super) fn is_parked(&self, key: CallKey) -> bool {
        self.parked == Some(key) || self.in_flight.is_parked(key)
    }

    /// Whether another call may be put out when `chosen` are about to be. One always may.
    pub(super) fn has_room(&self, chosen: usize) -> bool {
        self.in_flight.calls().len() + chosen < self.policy.calls_in_flight_max.max(1)
    }

    /// The refusal of this input.
    pub(super) const fn illegal(&self) -> Illegal {
        Illegal::Input {
            mode: self.transaction.mode(),
            status: self.transaction.state.status,
            input: self.input.name(),
        }
    }

    pub(super) fn go_to(&mut self, status: Status) {
        self.write.status = Some(status);
        self.write.durability = Durability::BeforeEffects;
    }

    pub(super) fn because(&mut self, reason: &str) {
        self.write.reason = Some(truncate(reason, self.policy.reason_bytes_max).to_owned());
    }

    pub(super) fn with_result(&mut self, result: &str) {
        self.write.result = Some(result.to_owned());
    }

    pub(super) fn amend(&mut self, amendment: &Amendment) {
        self.write.amendment = Some(amendment.clone());
    }

    /// The row ended. A success brings the interval back to its base (behaviour 93); a failure is durable
    /// before its consequences.
    pub(super) fn end_row(&mut self, index: BranchIndex, status: BranchStatus) {
        let row = BranchProgress { status, ended_at: Some(self.now), ..self.row(index) };
        self.write.rows.insert(index, row);
        match status {
            BranchStatus::Succeed => self.reset_interval(),
            BranchStatus::Failed => self.write.durability = Durability::BeforeEffects,
            BranchStatus::Prepared => {}
        }
    }

    /// The row has nothing to call, and so it is done (behaviour 54). That says nothing about the other ones.
    pub(super) fn skip_row(&mut self, index: BranchIndex) {
        let row =
            BranchProgress { status: BranchStatus::Succeed, ended_at: Some(self.now), ..self.row(index) };
        self.write.rows.insert(index, row);
    }

    /// There was progress: the next failure is a first one again.
    pub(super) fn reset_interval(&mut self) {
        let base = self.policy.base_interval(self.options());
        if self.interval() != base {
            self.write.interval = Some(base);
        }
        if self.failures() != 0 {
            self.write.failures = Some(0);
        }
    }

    fn interval(&self) -> Seconds {
        self.write.interval.unwrap_or(self.transaction.state.interval)
    }

    fn failures(&self) -> u32 {
        self.write.failures.unwrap_or(self.transaction.state.failures)
    }

    /// Counts a failing try of the row; the count is durable before the next try (decision 7).
    pub(super) fn count_attempt(&mut self, index: BranchIndex) -> u32 {
        let mut row = self.row(index);
        row.attempts = row.attempts.saturating_add(1);
        self.write.rows.insert(index, row);
        self.write.durability = Durability::BeforeEffects;
        row.attempts
    }

    /// Notes that an action may reach its branch. Durable before the call, unless progress is being deferred.
    pub(super) fn mark_started(&mut self, index: BranchIndex) {
        let row = self.row(index);
        if row.started {
            return;
        }
        self.write.rows.insert(index, BranchProgress { started: true, ..row });
        if !self.in_flight.deferring() {
            self.write.durability = Durability::BeforeEffects;
        }
    }

    pub(super) fn call(&mut self, target: Target<'_>) {
        let call = BranchCall {
            key: target.key,
            gid: self.transaction.gid().clone(),
            mode: self.transaction.mode(),
            branch_id: target.branch_id,
            op: target.op,
            url: Arc::clone(target.url),
            protocol: self.transaction.definition.protocol,
            payload: target.payload.clone(),
            timeout: self.policy.request_timeout(self.options()),
            retry: self.in_flight.is_retry(target.key),
        };
        self.calls += 1;
        self.effects.push(match target.key {
            CallKey::Branch(_) => Effect::Call(call),
            CallKey::Probe => Effect::Probe(call),
            CallKey::Resume => Effect::Resume(call),
        });
    }

    /// A call did not succeed and waits for the next pass. An error lengthens the interval once a pass and,
    /// from the limit on, alerts; "ongoing" keeps the interval (behaviour 59, 60, decision 6, 9).
    pub(super) fn park(&mut self, key: CallKey, url: &Arc<str>, outcome: &Outcome) {
        self.parked = Some(key);
        self.write.durability = Durability::BeforeEffects;
        let error = match outcome {
            Outcome::Success | Outcome::Ongoing => None,
            Outcome::Failure { reason } => Some(reason),
            Outcome::Unknown { cause } | Outcome::NotSent { cause } => Some(cause),
        };
        if let Some(error) = error {
            if !self.in_flight.backed_off() {
                let base = self.policy.base_interval(self.options());
                self.write.interval = Some(self.policy.backed_off(self.interval(), base));
                self.write.failures = Some(self.failures().saturating_add(1));
            }
            let failures = self.failures();
            if failures >= self.policy.alert_retry_limit {
                self.effects.push(Effect::Alert(Alert {
                    gid: self.transaction.gid().clone(),
                    status: self.status(),
                    url: Arc::clone(url),
                    error: error.clone(),
                    retry_count: failures,
                }));
            }
        }
        self.write.next_retry = Some(self.now.plus(self.interval()));
    }

    /// The next try is due at `at`, and that is worth storing.
    pub(super) fn reschedule(&mut self, at: Timestamp) {
        if self.next_retry() != at {
            self.write.next_retry = Some(at);
            self.write.durability = Durability::BeforeEffects;
        }
    }

    /// When the next try is due, as this decision leaves it.
    pub(super) fn next_retry(&self) -> Timestamp {
        self.write.next_retry.unwrap_or(self.transaction.state.next_retry)
    }

    /// Look again at `at`, or earlier.
    pub(super) fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |earlier| earlier.min(at)));
    }

    pub(super) fn finish(mut self) -> Decision {
        let status = self.status();
        let idle = self.calls == 0 && self.in_flight.calls().is_empty();
        let wake = if status.is_final() {
            None
        } else {
            if self.parked.is_some() || self.in_flight.any_parked() || (idle && self.wake.is_none()) {
                self.wake_at(self.next_retry());
            }
            self.wake
        };
        if (status.is_final() || idle) && status != Status::Prepared && !self.transaction.status().is_final()
        {
            let parked_now = self.input.outcome().filter(|_| self.parked.is_some());
            let trouble = parked_now.or_else(|| self.in_flight.trouble()).filter(|_| !status.is_final());
            self.effects.push(Effect::Reply(PassEnd {
                status,
                reason: self.write.reason.clone().or_else(|| self.transaction.state.reason.clone()),
                trouble: trouble.cloned(),
            }));
        }
        if !self.policy.defer_progress {
            self.write.durability = Durability::BeforeEffects;
        }
        let write = (!self.write.is_empty()).then_some(self.write);
        Decision { write, effects: self.effects, wake }
    }
}
