//! The task that drives one transaction.
//!
//! It is the only one in this process that decides for its gid. It feeds what happens into the coordinator,
//! makes the decision durable, and only then lets its effects happen. Between two events it sleeps; when it
//! would sleep for long it gives the transaction back to the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::Instant;

use dtm_core::coordinator::{BranchCall, CallKey, Effect, Illegal, Input, PassEnd, Run};
use dtm_core::model::{Gid, Outcome, Status, Timestamp, Transaction};
use dtm_store::{OwnerToken, Ownership, Stored};

use super::context::Shared;
use super::elsewhere;
use super::event::{Event, Turn};
use super::request::{Answer, Applied, Command, RequestError};
use super::timer::{Alarm, Timer};

/// Why a driver cannot go on as it did.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The input makes no sense; nothing has changed.
    Illegal(Illegal),
    /// Somebody else owns the transaction now, or it is gone.
    Lost,
    /// The store failed; what is durable is not known.
    Store(dtm_store::Error),
}

/// How a driver starts.
pub(super) enum Start {
    /// With a transaction that the poller has claimed under this token.
    Claimed(OwnerToken),
    /// With a request; the transaction may not exist yet.
    Asked(Command),
    /// After the panic of a driver: the transaction is given back, to be tried again later.
    Rescue,
}

/// A transaction in the hands of its driver.
pub(super) struct Held {
    pub(super) run: Run,
    /// The owner as it is stored.
    pub(super) owner: Ownership,
    /// The status as it is stored.
    pub(super) status: Status,
    /// How many branches were registered when it was read.
    pub(super) registered: usize,
    /// Whether progress is deferred: the stored state is older than the one in memory.
    pub(super) dirty: bool,
    /// When the last decision wants to look again.
    pub(super) wake: Option<Timestamp>,
    /// When the store was asked last, and said that it is as we believe.
    pub(super) confirmed: Instant,
}

impl Held {
    /// Whether a call may go out without a write before it. Whoever has taken the transaction over meanwhile, by an
    /// abort, by a forced stop or because this process stood still, may have ended it.
    pub(super) fn is_surely_ours(&self, trusted_for: Option<Duration>) -> bool {
        self.owner.held && trusted_for.is_none_or(|span| self.confirmed.elapsed() < span)
    }
}

/// The task that drives one transaction.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) gid: Gid,
    pub(super) held: Option<Held>,
    pub(super) waiters: Vec<Answer>,
    pub(super) calls: FuturesUnordered<BoxFuture<'static, (CallKey, Outcome)>>,
    pub(super) timer: Timer,
    pub(super) stopping: bool,
    /// The store failed, so that what is durable has to be read again.
    pub(super) unsure: bool,
    headers: Arc<BTreeMap<String, String>>,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, gid: Gid) -> Self {
        Self {
            shared,
            gid,
            held: None,
            waiters: Vec::new(),
            calls: FuturesUnordered::new(),
            timer: Timer::default(),
            stopping: false,
            unsure: false,
            headers: Arc::default(),
        }
    }

    pub(super) async fn drive(mut self, mut inbox: mpsc::Receiver<Command>, start: Start) {
        // Read when the registry has the driver already: whoever stops the server sees one of the two.
        self.stopping = self.shared.is_stopping();
        let stop = self.shared.stop.clone();
        match start {
            Start::Claimed(token) => self.take_up(&token).await,
            Start::Asked(command) => self.handle(command).await,
            Start::Rescue => self.give_back().await,
        }
        let mut turn = Turn::Requests;
        while self.unsure || !self.may_end() || !inbox.is_empty() {
            if self.unsure {
                self.resume_from_store().await;
                continue;
            }
            match self.next_event(&stop, &mut inbox, turn).await {
                Event::Stop => self.stop().await,
                Event::Outcome(key, outcome) => {
                    turn = Turn::Requests;
                    self.go_on(&ended(key, outcome)).await;
                }
                Event::Request(command) => {
                    turn = Turn::Outcomes;
                    self.handle(command).await;
                }
                Event::Alarm(Alarm::Wake) => self.go_on(&Input::Woke).await,
                Event::Alarm(Alarm::Flush) => self.flush().await,
                Event::Nothing => break,
            }
        }
        self.answer_the_rest().await;
        self.shared.registry.remove(&self.gid);
        // Requests that came in meanwhile have changed nothing, and their senders ask again.
        // Only the end of the closed inbox says that none of them is still on its way into it.
        inbox.close();
        while let Some(command) = inbox.recv().await {
            answer(command.answer, Err(RequestError::Busy(self.gid.to_string())));
        }
    }

    /// Goes on with a transaction that was claimed. It is read again, because a request may have taken it, and
    /// even ended it, between the claim and this moment.
    async fn take_up(&mut self, token: &OwnerToken) {
        let asked = Instant::now();
        match self.shared.context.store.load(&self.gid).await {
            Ok(Some(stored)) if stored.owner.held && stored.owner.token == *token => {
                self.adopt(stored, true, asked);
                self.go_on(&Input::Woke).await;
            }
            Ok(_) => {}
            Err(_) => self.unsure = true, // which reads it until it can be read, and says so
        }
    }

    /// Takes over what was read from the store. Whether it is held by this driver is for the caller to say: a
    /// transaction that somebody else holds is written under a fresh token, which fences them off. `asked` is when the
    /// store was asked: what it said may have changed before the answer came.
    pub(super) fn adopt(&mut self, stored: Stored, held: bool, asked: Instant) {
        let status = stored.transaction.status();
        let registered = stored.transaction.registrations.len();
        let held = Held {
            run: Run::recovered(stored.transaction),
            owner: Ownership { token: stored.owner.token, held },
            status,
            registered,
            dirty: false,
            wake: stored.due,
            confirmed: asked,
        };
        self.hold(held);
    }

    pub(super) fn hold(&mut self, held: Held) {
        self.held = Some(held);
        self.note_headers();
    }

    /// The headers of every call from now on. Submit may have brought others than prepare (behaviour 14).
    pub(super) fn note_headers(&mut self) {
        let headers = self.transaction().map(|transaction| transaction.options().branch_headers.clone());
        self.headers = Arc::new(headers.unwrap_or_default());
    }

    /// Feeds an input that did not come from a client. Trouble is dealt with here.
    async fn go_on(&mut self, input: &Input) {
        match self.feed(input).await {
            Ok(()) => {}
            Err(Trouble::Illegal(illegal)) => {
                // The coordinator is total, so this is a defect of ours. The transaction is left as it is
                // stored, to be looked at again by whoever claims it.
                tracing::error!(gid = %self.gid, error = %illegal, "an input was refused by the coordinator");
                self.resume_from_store().await;
            }
            Err(Trouble::Lost) => self.let_go(),
            Err(Trouble::Store(error)) => {
                tracing::warn!(gid = %self.gid, %error, "the store failed; reading the transaction again");
                self.resume_from_store().await;
            }
        }
    }

    async fn flush(&mut self) {
        let result = self.commit_now(false).await;
        match result {
            Ok(()) => {}
            Err(Trouble::Lost) => self.let_go(),
            Err(Trouble::Store(_) | Trouble::Illegal(_)) => self.resume_from_store().await,
        }
    }

    /// The transaction is not ours any more: forget it without touching it.
    pub(super) fn let_go(&mut self) {
        self.shared.context.metrics.ownership_lost();
        tracing::info!(gid = %self.gid, "somebody else drives this transaction now");
        self.held = None;
        self.calls.clear();
        self.timer = Timer::default();
    }

    /// Lets the effects of a durable decision happen.
    pub(super) fn release(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Call(call) | Effect::Probe(call) | Effect::Resume(call) => self.call(call),
                Effect::Alert(alert) => self.shared.context.alerts.send(alert),
                Effect::Reply(end) => self.answer_waiters(&end),
            }
        }
    }

    fn call(&mut self, call: BranchCall) {
        if self.stopping {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let headers = Arc::clone(&self.headers);
        self.calls.push(Box::pin(async move {
            let outcome = shared.context.transport.call(&call, &headers).await;
            shared.context.metrics.branch_called(call.mode, &call.op, &outcome);
            if let Outcome::Unknown { cause } | Outcome::NotSent { cause } = &outcome {
                let (gid, branch_id, op) = (&call.gid, &call.branch_id, call.op.as_str());
                tracing::debug!(%gid, %branch_id, op, cause, "a call did not succeed; it is repeated");
            }
            (call.key, outcome)
        }));
    }

    pub(super) fn answer_waiters(&mut self, end: &PassEnd) {
        for waiter in self.waiters.drain(..) {
            answer(waiter, Ok(Applied::Passed(end.clone())));
        }
    }

    /// Whoever still waits was accepted, so it must not ask again: the answer to a repetition may be that it
    /// comes too late, which reads like a refusal. It is told where the transaction stands.
    async fn answer_the_rest(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        match self.shared.context.store.load(&self.gid).await {
            Ok(Some(stored)) if elsewhere::is_driven(&self.shared, &stored) => {
                let waiters = std::mem::take(&mut self.waiters);
                elsewhere::await_end(Arc::clone(&self.shared), self.gid.clone(), stored, waiters);
            }
            Ok(Some(stored)) => self.answer_waiters(&elsewhere::stands(stored.transaction)),
            Ok(None) => self.turn_waiters_away(&RequestError::NotFound(self.gid.to_string())),
            Err(error) => self.turn_waiters_away(&RequestError::Store(error)),
        }
    }

    pub(super) fn turn_waiters_away(&mut self, error: &RequestError) {
        for waiter in self.waiters.drain(..) {
            answer(waiter, Err(error.clone()));
        }
    }

    pub(super) fn transaction(&self) -> Option<&Transaction> {
        self.held.as_ref().map(|held| held.run.transaction())
    }

    /// Nothing to drive, nothing out: whoever comes next starts a new driver.
    fn may_end(&self) -> bool {
        match &self.held {
            None => true,
            Some(held) => held.status.is_final() || (!held.owner.held && self.calls.is_empty()),
        }
    }
}

/// Answers a client. One that has gone away does not care.
pub(super) fn answer(to: Answer, result: Result<Applied, RequestError>) {
    drop(to.send(result));
}

fn ended(key: CallKey, outcome: Outcome) -> Input {
    match key {
        CallKey::Branch(index) => Input::Branch { index, outcome },
        CallKey::Probe => Input::Probed { outcome },
        CallKey::Resume => Input::Resumed { outcome },
    }
}
