//! The handle of the runner: requests of clients come in here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};

use dtm_core::coordinator::{Refusal, Registered, Verb, register};
use dtm_core::model::{Definition, Gid, Mode, Registration, Seconds, WorkflowEnd};
use dtm_store::{Cursor, Error, Filter, OwnerToken, Page, Rescheduled, Stored};

use super::context::{Context, Shared};
use super::driver::{Driver, Start};
use super::recent::Known;
use super::registry::Inbox;
use super::request::{Abort, Admit, Applied, Command, Request, RequestError};
use super::{housekeeping, orphans, poller};

/// How often a request is sent again because the driver that it reached was just about to end.
const SENDS: usize = 16;
/// How often a registration is decided again because another one came first.
const REGISTRATIONS: usize = 64;

/// The runner of one server. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("active", &self.active()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts to drive what the store holds.
    #[must_use]
    pub fn start(context: Context) -> Self {
        let shared = Arc::new(Shared::new(context));
        shared.tasks.spawn(poller::poll(Arc::clone(&shared)));
        shared.tasks.spawn(orphans::look_after(Arc::clone(&shared)));
        shared.tasks.spawn(housekeeping::beat(Arc::clone(&shared)));
        shared.tasks.spawn(housekeeping::purge(Arc::clone(&shared)));
        shared.tasks.spawn(housekeeping::forget(Arc::clone(&shared)));
        Self { shared }
    }

    /// Prepare or submit. Once it has returned `Ok`, the request is durable.
    ///
    /// # Errors
    /// [`RequestError`] saying why not.
    pub async fn admit(
        &self,
        verb: Verb,
        definition: Definition,
        end: Option<WorkflowEnd>,
    ) -> Result<Applied, RequestError> {
        let gid = definition.gid.clone();
        let admit = Box::new(Admit { verb, definition, end });
        self.ask(&gid, || Request::Admit(admit.clone())).await
    }

    /// Abort, with the mode that the client believes the transaction to have, if it says so. The answer waits
    /// for the end of the first pass when this request or the transaction has `wait_result`.
    ///
    /// # Errors
    /// [`RequestError`] saying why not.
    pub async fn abort(
        &self,
        gid: &Gid,
        mode: Option<Mode>,
        reason: &str,
        wait_result: bool,
    ) -> Result<Applied, RequestError> {
        let abort = Box::new(Abort { mode, reason: reason.to_owned(), wait_result });
        self.ask(gid, || Request::Abort(abort.clone())).await
    }

    /// Ends a transaction without undoing anything; once it has returned, nothing is called any more.
    ///
    /// # Errors
    /// [`RequestError`] saying why not.
    pub async fn force_stop(&self, gid: &Gid) -> Result<Applied, RequestError> {
        self.ask(gid, || Request::ForceStop).await
    }

    /// Tries a transaction again now.
    ///
    /// # Errors
    /// [`RequestError`] saying why not.
    pub async fn reschedule(&self, gid: &Gid) -> Result<Applied, RequestError> {
        self.ask(gid, || Request::Reschedule { later_than: None }).await
    }

    /// Registers a branch that `callable` accepts for its transaction. Once it has returned, the branch is
    /// durable and part of every later decision.
    ///
    /// # Errors
    /// [`RequestError`] saying why not.
    pub async fn register(
        &self,
        gid: &Gid,
        registration: &Registration,
        callable: impl Fn(&Definition) -> Result<(), Refusal>,
    ) -> Result<(), RequestError> {
        let Shared { context, recent, turns, .. } = &*self.shared;
        let limits = &context.policy.limits;
        let _turn = turns.next(gid).await;
        let mut copy = recent.take(gid).filter(|known| known.takes(registration, limits, &callable));
        for _ in 0..REGISTRATIONS {
            let is_copy = copy.is_some();
            let mut known = match copy.take() {
                Some(known) => known,
                None => match self.read_for(gid, registration, &callable).await? {
                    Some(known) => known,
                    None => return Ok(()),
                },
            };
            let new = vec![registration.clone()];
            match context.store.register_branches(gid, known.owner(), known.registered(), new).await {
                Ok(()) => {
                    known.append(registration);
                    recent.put(known);
                    return Ok(());
                }
                // another registration, owner or decision came first: look again
                Err(Error::Conflict { .. }) => {}
                Err(Error::NotFound(_)) if is_copy => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RequestError::Busy(gid.to_string()))
    }

    /// The stored transaction, if a registration is new there; `None` when it is there already.
    async fn read_for(
        &self,
        gid: &Gid,
        registration: &Registration,
        callable: &impl Fn(&Definition) -> Result<(), Refusal>,
    ) -> Result<Option<Known>, RequestError> {
        let Shared { context, recent, .. } = &*self.shared;
        let stored = context.store.load(gid).await?;
        let stored = stored.ok_or_else(|| Refusal::NotPrepared { gid: gid.to_string() })?;
        let decided = register(&stored.transaction, registration, &context.policy.limits);
        match decided {
            Ok(Registered::New) => {
                callable(&stored.transaction.definition)?;
                Ok(Some(Known::Whole(Box::new(stored))))
            }
            // the next one may be new
            Ok(Registered::Same) => {
                recent.note(stored);
                Ok(None)
            }
            Err(refusal) => {
                recent.note(stored);
                Err(refusal.into())
            }
        }
    }

    /// Everything that is stored about a transaction.
    ///
    /// # Errors
    /// [`RequestError::Store`] when it cannot be read.
    pub async fn load(&self, gid: &Gid) -> Result<Option<Stored>, RequestError> {
        Ok(self.shared.context.store.load(gid).await?)
    }

    /// A page of transactions, newest first.
    ///
    /// # Errors
    /// [`RequestError::Store`] when it cannot be read, or when the cursor is not one of this store.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, RequestError> {
        Ok(self.shared.context.store.scan(filter, after, limit).await?)
    }

    /// Makes up to `limit` unfinished transactions that would be tried later than `ahead` from now due now.
    ///
    /// # Errors
    /// [`RequestError::Store`] when the store fails.
    pub async fn reschedule_all(&self, ahead: Seconds, limit: usize) -> Result<Rescheduled, RequestError> {
        let later_than = self.shared.now().plus(ahead);
        let mut count = 0;
        for (_, sender) in self.shared.registry.all() {
            if count == limit {
                return Ok(Rescheduled { count, has_remaining: true });
            }
            let (to, answer) = oneshot::channel();
            let request = Request::Reschedule { later_than: Some(later_than) };
            let sent = sender.send(Command { request, answer: to }).await;
            drop(sender); // as in `ask`
            if sent.is_ok() && matches!(answer.await, Ok(Ok(Applied::Accepted))) {
                count += 1;
            }
        }
        let context = &self.shared.context;
        let stored = context.store.reschedule(later_than, limit - count, context.tokens.node()).await?;
        self.shared.agenda.note(self.shared.now());
        Ok(Rescheduled { count: count + stored.count, has_remaining: stored.has_remaining })
    }

    /// How many transactions are driven now.
    #[must_use]
    pub fn active(&self) -> usize {
        self.shared.registry.active()
    }

    /// Reads how many transactions are driven, without keeping the runner alive.
    pub fn watch_active(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let shared = Arc::downgrade(&self.shared);
        move || {
            let active = shared.upgrade().map_or(0, |shared| shared.registry.active());
            u64::try_from(active).unwrap_or(u64::MAX)
        }
    }

    /// Whether the store takes writes, as the last heartbeat says.
    #[must_use]
    pub fn healthy(&self) -> watch::Receiver<bool> {
        self.shared.healthy.subscribe()
    }

    /// Waits until nothing new is driven: after [`stop`](Self::stop), or because another server has taken the name
    /// of this one.
    pub async fn is_stopping(&self) {
        self.shared.stop.cancelled().await;
    }

    /// Ends the runner: nothing new is called, calls that are out may end within `limit`, deferred progress is
    /// stored, every transaction is released, and the node leaves the store (decision 28).
    pub async fn stop(&self, limit: Duration) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(limit, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!(
                active = self.active(),
                "stopping although calls are still out; they are repeated after the next start"
            );
        }
        let context = &self.shared.context;
        let leave = context.store.leave(context.tokens.node(), context.tokens.epoch());
        match tokio::time::timeout(limit, leave).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "could not sign off; transactions are taken over after the node time-out");
            }
            Err(_) => {
                tracing::warn!(
                    "the store does not answer; transactions are taken over after the node time-out"
                );
            }
        }
    }

    async fn ask(&self, gid: &Gid, request: impl Fn() -> Request) -> Result<Applied, RequestError> {
        let mut unanswered = false;
        for _ in 0..SENDS {
            if self.shared.is_stopping() {
                return Err(RequestError::Stopping);
            }
            let (to, answer) = oneshot::channel();
            let command = Command { request: request(), answer: to };
            let Inbox { sender, fresh } = self.shared.registry.inbox(gid);
            match fresh {
                Some(receiver) => spawn_driver(&self.shared, gid.clone(), receiver, Start::Asked(command)),
                None => {
                    if sender.send(command).await.is_err() {
                        tokio::task::yield_now().await;
                        continue;
                    }
                }
            }
            // An inbox whose driver has panicked loses what is in it with its last sender, and not before.
            drop(sender);
            match answer.await {
                Ok(Err(RequestError::Busy(_))) => tokio::task::yield_now().await, // look again
                // Refused perhaps because the first time it was not: nobody knows.
                Ok(Err(
                    RequestError::Refused(_) | RequestError::CannotAbort { .. } | RequestError::CannotStop(_),
                )) if unanswered => {
                    let cause = "the request was interrupted by a defect of the server".to_owned();
                    return Err(Error::Unavailable(cause).into());
                }
                Ok(result) => return result,
                Err(_) => {
                    // The driver panicked while it had the request.
                    unanswered = true;
                    tokio::task::yield_now().await;
                }
            }
        }
        Err(RequestError::Busy(gid.to_string()))
    }
}

/// Starts the task that drives `gid`. A panic in it is contained: the transaction is given back and tried again.
fn spawn_driver(shared: &Arc<Shared>, gid: Gid, inbox: mpsc::Receiver<Command>, start: Start) {
    let driver = Driver::new(Arc::clone(shared), gid.clone());
    let shared = Arc::clone(shared);
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        let is_rescue = matches!(start, Start::Rescue);
        // Boxed: it is 4 KiB, and would be copied several times on its way into the task.
        let driving = Box::pin(driver.drive(inbox, start));
        if AssertUnwindSafe(driving).catch_unwind().await.is_ok() {
            return;
        }
        shared.context.metrics.task_panicked();
        shared.registry.remove(&gid);
        if is_rescue {
            tracing::error!(%gid, "the driver of this transaction panicked again; it goes on after the next start");
        } else {
            tracing::error!(%gid, "the driver of this transaction panicked; it is given back and tried again later");
            start_driver(&shared, gid, Start::Rescue);
        }
    });
}

/// Goes on with a transaction that was claimed under `token`.
pub(super) fn take_up(shared: &Arc<Shared>, gid: Gid, token: OwnerToken) {
    start_driver(shared, gid, Start::Claimed(token));
}

/// Starts a driver for `gid`, when it has one (a request is being handled that came first) after the end of
/// that one: a gid never has two.
fn start_driver(shared: &Arc<Shared>, gid: Gid, start: Start) {
    let inbox = shared.registry.inbox(&gid);
    if let Some(receiver) = inbox.fresh {
        return spawn_driver(shared, gid, receiver, start);
    }
    let shared = Arc::clone(shared);
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        let mut present = inbox.sender;
        loop {
            tokio::select! {
                biased;
                () = present.closed() => {}
                () = shared.stop.cancelled() => return, // what the node holds is free when it has left
            }
            let inbox = shared.registry.inbox(&gid);
            match inbox.fresh {
                Some(receiver) => return spawn_driver(&shared, gid, receiver, start),
                None => present = inbox.sender,
            }
        }
    });
}
