//! What a driver does with a request.

use dtm_core::coordinator::{Decision, Durability, Input, Readmission, Run, Verb, admit, readmit};
use dtm_core::model::{Status, Timestamp, Transaction};
use dtm_store::{Error, NewTransaction, Ownership, Stored};

use tokio::time::Instant;

use super::commit::is_call;
use super::driver::{Driver, Held, Trouble, answer};
use super::request::{Abort, Admit, Answer, Applied, Command, Request, RequestError};

impl Driver {
    pub(super) async fn handle(&mut self, command: Command) {
        let Command { request, answer: to } = command;
        if let Some((to, result)) = self.apply(request, to).await {
            answer(to, result);
        }
    }

    /// Applies a request. `None`: the client waits for the end of the pass.
    async fn apply(
        &mut self,
        request: Request,
        to: Answer,
    ) -> Option<(Answer, Result<Applied, RequestError>)> {
        if self.stopping {
            return Some((to, Err(RequestError::Stopping)));
        }
        let result = match request {
            Request::Admit(admit) => {
                let waits = admit.verb == Verb::Submit && admit.definition.options.wait_result;
                if waits {
                    self.waiters.push(to);
                    let result = self.admit(&admit).await;
                    return self.still_waiting(result);
                }
                self.admit(&admit).await
            }
            Request::Abort(abort) => {
                let mut to = Some(to);
                let result = self.abort(&abort, &mut to).await;
                return match to {
                    Some(to) => Some((to, result.map(|()| Applied::Accepted))),
                    None => self.still_waiting(result),
                };
            }
            Request::ForceStop => self.force_stop().await,
            Request::Reschedule { later_than } => match self.reschedule(later_than).await {
                Ok(false) => return Some((to, Ok(Applied::Unchanged))),
                Ok(true) => Ok(()),
                Err(error) => Err(error),
            },
        };
        Some((to, result.map(|()| Applied::Accepted)))
    }

    /// What the client that was the last one to wait is answered now: nothing, unless its request was refused.
    fn still_waiting(
        &mut self,
        result: Result<(), RequestError>,
    ) -> Option<(Answer, Result<Applied, RequestError>)> {
        match result {
            Ok(()) => None,
            // The one that was pushed is the last one, unless the pass has answered it already.
            Err(error) => self.waiters.pop().map(|to| (to, Err(error))),
        }
    }

    /// Prepare or submit: creates the transaction, or feeds the one that is there.
    async fn admit(&mut self, request: &Admit) -> Result<(), RequestError> {
        if self.recall() {
            match self.readmit(request) {
                Ok(Readmission::Feed(input)) => return self.feed_request(&input).await,
                Ok(Readmission::Same) | Err(_) => self.held = None, // only the store can say that
            }
        }
        if self.held.is_none() {
            match admit(&request.definition, request.verb, &self.shared.context.policy.limits) {
                Ok(()) => match self.create(request).await {
                    Err(RequestError::Store(Error::AlreadyExists(_))) => {}
                    result => return result,
                },
                // Not acceptable as a new transaction; it may still be a word about one that is stored.
                Err(refusal) => match self.load().await {
                    Err(RequestError::NotFound(_)) => return Err(refusal.into()),
                    loaded => loaded?,
                },
            }
            self.load().await?;
        }
        match self.readmit(request)? {
            Readmission::Same => Ok(()),
            Readmission::Feed(input) => self.feed_request(&input).await,
        }
    }

    fn readmit(&self, request: &Admit) -> Result<Readmission, RequestError> {
        let Some(transaction) = self.transaction() else {
            return Err(RequestError::NotFound(self.gid.to_string()));
        };
        Ok(readmit(transaction, &request.definition, request.end.as_ref(), request.verb)?)
    }

    /// Creates the transaction. Its first decision is taken before, so that what has to be durable before the
    /// first call is part of the creation.
    async fn create(&mut self, request: &Admit) -> Result<(), RequestError> {
        let context = &self.shared.context;
        let definition = request.definition.clone();
        let initial = match request.verb {
            Verb::Prepare => Transaction::prepared(definition, &context.policy),
            Verb::Submit => Transaction::submitted(definition, &context.policy),
        };
        let now = self.shared.now();
        let mut run = Run::fresh(initial.clone());
        let decision = run.step(&Input::Woke, &context.policy, now).map_err(|illegal| {
            RequestError::Store(Error::Rejected { what: self.gid.to_string(), detail: illegal.to_string() })
        })?;
        let ended = run.transaction().status().is_final();
        let complete = !ended
            && decision.write.as_ref().is_none_or(|write| write.durability == Durability::BeforeEffects);
        let due = decision.wake.unwrap_or(initial.state.next_retry);
        let idle = !decision.effects.iter().any(is_call);
        let long = idle && due.since(now) > context.settings.sleep_in_memory_max;
        let status = initial.status();
        let owner = Ownership { token: context.tokens.fresh(), held: status != Status::Prepared && !long };
        let transaction = if complete { run.transaction().clone() } else { initial };
        let new = NewTransaction { transaction, owner: owner.clone(), due };
        let confirmed = Instant::now();
        match context.store.create(new).await {
            Ok(()) => {}
            Err(error @ Error::AlreadyExists(_)) => return Err(error.into()),
            Err(error) => {
                // It may have been stored all the same, or be stored late. If so it is ours, and goes on from there.
                self.unsure = true;
                self.shared.doubt.notify_one();
                return Err(error.into());
            }
        }
        if !owner.held {
            self.shared.agenda.note(due);
        }
        if complete {
            run.flushed();
            let transaction = run.transaction().clone();
            self.shared.recent.note(Stored { transaction, owner: owner.clone(), due: Some(due) });
        }
        self.hold(Held {
            run,
            owner,
            status,
            registered: 0,
            dirty: !complete,
            wake: decision.wake,
            confirmed,
        });
        self.follow_up(decision, now).await
    }

    /// Carries out what was decided together with the creation.
    async fn follow_up(&mut self, decision: Decision, now: Timestamp) -> Result<(), RequestError> {
        let ended = self.transaction().is_some_and(|transaction| transaction.status().is_final());
        if ended && let Err(trouble) = self.commit_now(false).await {
            self.deal_with(trouble);
            return Ok(());
        }
        if decision.effects.iter().any(is_call)
            && let Err(trouble) = self.make_sure().await
        {
            self.deal_with(trouble); // the request is durable, whoever drives it
            return Ok(());
        }
        self.release(decision.effects);
        self.set_timer(decision.wake, now);
        Ok(())
    }

    /// Undo. `to` is taken when its client waits for the end of the pass.
    async fn abort(&mut self, abort: &Abort, to: &mut Option<Answer>) -> Result<(), RequestError> {
        if self.recall() {
            match self.abort_held(abort, to).await {
                Err(RequestError::CannotAbort { .. }) => {
                    self.held = None; // only the store can say that
                    if to.is_none() {
                        *to = self.waiters.pop();
                    }
                }
                result => return result,
            }
        }
        self.load().await?;
        self.abort_held(abort, to).await
    }

    async fn abort_held(&mut self, abort: &Abort, to: &mut Option<Answer>) -> Result<(), RequestError> {
        let Some(transaction) = self.transaction() else {
            return Err(RequestError::NotFound(self.gid.to_string()));
        };
        let refusal = RequestError::CannotAbort { mode: transaction.mode(), status: transaction.status() };
        if abort.mode.is_some_and(|mode| mode != transaction.mode()) {
            return Err(refusal);
        }
        if abort.wait_result || transaction.options().wait_result {
            self.waiters.extend(to.take());
        }
        self.feed_or(&Input::Aborted { reason: abort.reason.clone() }, refusal).await
    }

    async fn force_stop(&mut self) -> Result<(), RequestError> {
        self.load().await?;
        let Some(status) = self.transaction().map(Transaction::status) else {
            return Err(RequestError::NotFound(self.gid.to_string()));
        };
        self.feed_or(&Input::ForceStopped, RequestError::CannotStop(status)).await
    }

    /// Whether the transaction was waiting for something later than `later_than`, and is tried now.
    async fn reschedule(&mut self, later_than: Option<Timestamp>) -> Result<bool, RequestError> {
        self.load().await?;
        let wake = self.held.as_ref().and_then(|held| held.wake);
        if let Some(later_than) = later_than
            && wake.is_none_or(|wake| wake <= later_than)
        {
            return Ok(false);
        }
        self.feed_request(&Input::Rescheduled).await?;
        Ok(true)
    }

    /// Takes the copy of a transaction that this server has just prepared. See [`recent`](super::recent) for
    /// what it is good for.
    fn recall(&mut self) -> bool {
        if self.held.is_some() {
            return false;
        }
        let Some(stored) = self.shared.recent.take_whole(&self.gid) else { return false };
        self.adopt(stored, false, Instant::now()); // not held: a write comes first in any case
        true
    }

    /// Reads the transaction unless it is in hand.
    async fn load(&mut self) -> Result<(), RequestError> {
        if self.held.is_some() {
            return Ok(());
        }
        let asked = Instant::now();
        let stored = self.shared.context.store.load(&self.gid).await?;
        let stored = stored.ok_or_else(|| RequestError::NotFound(self.gid.to_string()))?;
        self.adopt(stored, false, asked);
        Ok(())
    }

    async fn feed_request(&mut self, input: &Input) -> Result<(), RequestError> {
        let busy = RequestError::Busy(self.gid.to_string());
        self.feed_or(input, busy).await
    }

    /// Feeds an input of a client; `refusal` is the answer when it is not possible.
    async fn feed_or(&mut self, input: &Input, refusal: RequestError) -> Result<(), RequestError> {
        match self.feed(input).await {
            Ok(()) => Ok(()),
            Err(Trouble::Illegal(_)) => Err(refusal),
            Err(Trouble::Lost) => {
                self.let_go();
                Err(RequestError::Busy(self.gid.to_string()))
            }
            Err(Trouble::Store(error)) => {
                self.unsure = true;
                match error {
                    // Decision 15.
                    Error::Conflict { .. } => Err(RequestError::Busy(self.gid.to_string())),
                    error => Err(error.into()),
                }
            }
        }
    }

    fn deal_with(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Lost => self.let_go(),
            Trouble::Store(_) | Trouble::Illegal(_) => self.unsure = true,
        }
    }

    /// The server is stopping: nothing new is called; what is out may end; then the transaction is released.
    pub(super) async fn stop(&mut self) {
        self.stopping = true;
        self.turn_waiters_away(&RequestError::Stopping);
        let idle = self.calls.is_empty();
        let held = self.held.as_ref().is_some_and(|held| held.owner.held && !held.status.is_final());
        if idle
            && held
            && let Err(trouble) = self.commit_now(true).await
        {
            tracing::warn!(gid = %self.gid, ?trouble, "the transaction could not be released");
            self.held = None;
        }
    }
}
