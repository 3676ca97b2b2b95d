//! What a driver does to make a decision durable, and what it does when it cannot.

use std::time::Duration;

use dtm_core::coordinator::{Decision, Durability, Effect, InFlight, Input, Run};
use dtm_core::model::{Status, Timestamp};
use dtm_store::{Commit, Error, Expect, NewOwner, Ownership, Stored};

use tokio::time::Instant;

use super::driver::{Driver, Trouble};
use super::request::RequestError;

/// How often one input is decided anew because branches were registered meanwhile.
const REDECISIONS: usize = 8;
/// How often a driver looks who owns a transaction before it takes the store for too slow to say.
const LOOKS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Driver {
    /// Decides on `input` and carries the decision out.
    pub(super) async fn feed(&mut self, input: &Input) -> Result<(), Trouble> {
        let mut redecisions = 0;
        loop {
            let now = self.shared.now();
            let policy = &self.shared.context.policy;
            let Some(held) = self.held.as_mut() else { return Err(Trouble::Lost) };
            // Only a prepared transaction can change under its driver: by a registration.
            let before = (held.status == Status::Prepared).then(|| held.run.in_flight().clone());
            let decision = held.run.step(input, policy, now).map_err(Trouble::Illegal)?;
            match (self.carry_out(decision, now).await, before) {
                (Err(Trouble::Store(Error::Conflict { .. })), Some(in_flight))
                    if redecisions < REDECISIONS =>
                {
                    redecisions += 1;
                    self.take_in_registrations(in_flight).await?;
                }
                // It may well be ours still: reading it again after a pause will show.
                (Err(conflict @ Trouble::Store(Error::Conflict { .. })), Some(_)) => return Err(conflict),
                (Err(Trouble::Store(Error::Conflict { .. } | Error::NotFound(_))), _) => {
                    return Err(Trouble::Lost);
                }
                (result, _) => return result,
            }
        }
    }

    async fn carry_out(&mut self, decision: Decision, now: Timestamp) -> Result<(), Trouble> {
        let Decision { write, effects, wake } = decision;
        let calls = !self.stopping && effects.iter().any(is_call);
        let ended = self.transaction().is_some_and(|transaction| transaction.status().is_final());
        let parked = !ended && !calls && self.calls.is_empty() && self.is_long(wake, now);
        let Some(held) = self.held.as_mut() else { return Err(Trouble::Lost) };
        held.wake = wake;
        let must_write = write.as_ref().is_some_and(|write| write.durability == Durability::BeforeEffects)
            || (calls && !held.is_surely_ours(self.shared.context.settings.ownership_trusted_for));
        held.dirty |= write.is_some();
        let amended = write.is_some_and(|write| write.amendment.is_some());
        if must_write {
            self.commit_now(false).await?;
        }
        if calls {
            self.make_sure().await?;
        }
        if parked && self.held.as_ref().is_some_and(|held| held.owner.held) {
            self.commit_now(true).await?;
        }
        if ended {
            self.calls.clear();
        }
        if amended {
            self.note_headers();
        }
        self.release(effects);
        self.set_timer(wake, now);
        Ok(())
    }

    /// Looks again who owns the transaction, unless the store has said it not long ago. A write that took long says who
    /// it was when it began: this process may have been taken for dead meanwhile, and the transaction with it.
    pub(super) async fn make_sure(&mut self) -> Result<(), Trouble> {
        let Some(limit) = self.shared.context.settings.write_trusted_for else { return Ok(()) };
        for _ in 0..LOOKS {
            let Some(held) = self.held.as_mut() else { return Err(Trouble::Lost) };
            if held.confirmed.elapsed() < limit {
                return Ok(());
            }
            let asked = Instant::now();
            let stored = self.shared.context.store.load(&self.gid).await.map_err(Trouble::Store)?;
            if stored.is_none_or(|stored| stored.owner != held.owner) {
                return Err(Trouble::Lost);
            }
            held.confirmed = asked;
        }
        let detail = format!("the store has taken longer than {limit:?} {LOOKS} times: nothing is called");
        Err(Trouble::Store(Error::Unavailable(detail)))
    }

    /// Stores the whole state; everything deferred so far is durable afterwards. With `release` the
    /// transaction is given back to the store.
    pub(super) async fn commit_now(&mut self, release: bool) -> Result<(), Trouble> {
        if release && self.held.as_ref().is_some_and(|held| held.dirty) {
            // A release keeps the token, so what it writes must be stored already: see `write`.
            self.write(false).await?;
        }
        self.write(release).await
    }

    /// Every write but a release comes under a fresh token. Another server that takes the transaction over names
    /// the token that it has read; if that is still the stored one, nothing was written since, and its write
    /// loses nothing of ours.
    async fn write(&mut self, release: bool) -> Result<(), Trouble> {
        let fallback = self.shared.now();
        let Some(held) = self.held.as_mut() else { return Err(Trouble::Lost) };
        let state = &held.run.transaction().state;
        let due = (!state.status.is_final()).then(|| {
            // A release while calls were held back (the server is stopping) is due at once.
            let out = !held.run.in_flight().calls().is_empty();
            if release && out { fallback } else { held.wake.unwrap_or(state.next_retry) }
        });
        let takes_over = !held.owner.held;
        let (owner, after) = if release && !takes_over {
            (NewOwner::Release, Ownership { token: held.owner.token.clone(), held: false })
        } else {
            let token = self.shared.context.tokens.fresh();
            (NewOwner::Take(token.clone()), Ownership { token, held: true })
        };
        let commit = Commit {
            gid: self.gid.clone(),
            expect: Expect {
                status: held.status,
                owner: held.owner.token.clone(),
                registered: held.registered,
            },
            state: state.clone(),
            owner,
            due,
        };
        let status = state.status;
        let begun = Instant::now();
        if let Err(error) = self.shared.context.store.commit(commit).await {
            if matches!(error, Error::Conflict { .. }) {
                self.shared.context.metrics.conflict();
            }
            if takes_over && error.happened().is_none() {
                self.shared.doubt.notify_one();
            }
            return Err(Trouble::Store(error));
        }
        let Some(held) = self.held.as_mut() else { return Err(Trouble::Lost) };
        let just_ended = status.is_final() && !held.status.is_final();
        held.status = status;
        held.owner = after;
        held.dirty = false;
        held.confirmed = begun;
        held.run.flushed();
        self.timer.flushed();
        if let (false, Some(due)) = (held.owner.held, due) {
            self.shared.agenda.note(due);
        }
        if just_ended {
            self.note_end();
        }
        Ok(())
    }

    fn note_end(&self) {
        let Some(transaction) = self.transaction() else { return };
        let age = self.shared.now().since(transaction.definition.created_at);
        self.shared.context.metrics.transaction_ended(transaction.mode(), transaction.status(), age);
    }

    pub(super) fn set_timer(&mut self, wake: Option<Timestamp>, now: Timestamp) {
        let Some(held) = &self.held else { return };
        let driven = held.owner.held && !held.status.is_final();
        let jitter = &self.shared.context.jitter;
        self.timer.wake_in(wake.filter(|_| driven).map(|wake| wake.since(now)), jitter);
        if driven && held.dirty {
            self.timer.flush_in(self.shared.context.settings.flush_after);
        }
    }

    /// Whether to give the transaction back to the store until `wake`.
    fn is_long(&self, wake: Option<Timestamp>, now: Timestamp) -> bool {
        let settings = &self.shared.context.settings;
        self.stopping
            || self.shared.registry.active() > settings.active_max
            || wake.is_some_and(|wake| wake.since(now) > settings.sleep_in_memory_max)
    }

    /// After a conflict on a prepared transaction: reads it again, and goes on if nothing but branches have come.
    /// Anything else was written under another token, and may even be another transaction of the same gid: what
    /// was to be fed in may not fit it any more.
    async fn take_in_registrations(&mut self, in_flight: InFlight) -> Result<(), Trouble> {
        let asked = Instant::now();
        let stored = self.shared.context.store.load(&self.gid).await.map_err(Trouble::Store)?;
        let (Some(stored), Some(held)) = (stored, self.held.as_ref()) else { return Err(Trouble::Lost) };
        let taken_over = held.owner.held && stored.owner != held.owner;
        if taken_over || stored.owner.token != held.owner.token || stored.transaction.status() != held.status
        {
            return Err(Trouble::Lost);
        }
        let held = held.owner.held;
        self.adopt(stored, held, asked);
        if let Some(held) = self.held.as_mut() {
            held.run = Run::reloaded(held.run.transaction().clone(), in_flight);
        }
        Ok(())
    }

    /// After a failure of the store: nobody knows what is durable, so reads the transaction until that is
    /// known, and goes on from there if it is ours.
    pub(super) async fn resume_from_store(&mut self) {
        self.unsure = false;
        self.held = None;
        self.calls.clear();
        let mut pause = FIRST_PAUSE;
        while !self.stopping && !self.shared.is_stopping() {
            tokio::time::sleep(self.shared.context.jitter.lengthened(pause, 1.0)).await;
            let asked = Instant::now();
            match self.shared.context.store.load(&self.gid).await {
                Ok(None) => return,
                Ok(Some(stored)) if !self.is_ours(&stored) => return,
                Ok(Some(stored)) => match self.take_again(stored, asked).await {
                    Ok(()) => return,
                    Err(trouble) => {
                        tracing::warn!(gid = %self.gid, ?trouble, "the transaction is read once more");
                        self.held = None;
                        self.calls.clear();
                    }
                },
                Err(error) if error.retry_helps() => {}
                Err(error) => {
                    tracing::error!(gid = %self.gid, %error, "this transaction is not driven any further");
                    self.shared.context.metrics.record_damaged();
                    self.turn_waiters_away(&RequestError::Store(error));
                    return;
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Goes on under a fresh token, so that a write of ours that was given up, and lands late, changes nothing.
    async fn take_again(&mut self, stored: Stored, asked: Instant) -> Result<(), Trouble> {
        self.adopt(stored, false, asked);
        self.commit_now(false).await?;
        self.feed(&Input::Woke).await
    }

    /// After a panic: the transaction is released, and tried again when an interval has passed.
    pub(super) async fn give_back(&mut self) {
        let asked = Instant::now();
        match self.shared.context.store.load(&self.gid).await {
            Ok(Some(stored)) if self.is_ours(&stored) => {
                self.adopt(stored, true, asked);
                let later = self.shared.now().plus(self.shared.context.policy.retry_interval);
                if let Some(held) = self.held.as_mut() {
                    held.wake = Some(later);
                }
                if let Err(trouble) = self.commit_now(true).await {
                    tracing::warn!(gid = %self.gid, ?trouble, "the transaction could not be given back; reading it again");
                    self.unsure = true;
                }
            }
            Ok(_) => {}
            Err(_) => self.unsure = true,
        }
    }

    fn is_ours(&self, stored: &Stored) -> bool {
        self.shared.holds(&stored.owner) && !stored.transaction.status().is_final()
    }
}

pub(super) const fn is_call(effect: &Effect) -> bool {
    match effect {
        Effect::Call(_) | Effect::Probe(_) | Effect::Resume(_) => true,
        Effect::Alert(_) | Effect::Reply(_) => false,
    }
}
