//! Clients that wait here for what another server drives.
//!
//! Servers tell each other nothing but what stands in the store, so that is looked at again and again: rarely
//! enough not to matter, and not longer than the client waits.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::coordinator::PassEnd;
use dtm_core::model::{Gid, Outcome, Transaction};
use dtm_store::Stored;

use super::context::Shared;
use super::driver::answer;
use super::housekeeping::pause;
use super::request::{Answer, Applied, RequestError};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Whether another server drives it, as far as the store knows.
pub(super) fn is_driven(shared: &Shared, stored: &Stored) -> bool {
    stored.owner.held && !shared.holds(&stored.owner) && !stored.transaction.status().is_final()
}

/// What a client is told of a transaction that is not driven here.
pub(super) fn stands(transaction: Transaction) -> PassEnd {
    let state = transaction.state;
    let trouble = (!state.status.is_final())
        .then(|| Outcome::Unknown { cause: "somebody else drives the transaction now".to_owned() });
    PassEnd { status: state.status, reason: state.reason, trouble }
}

/// Answers the waiters when the other server has ended the transaction or its pass, or has given it back, and when
/// this one stops. One that drives it here by then is none of their business: they are told the same by the store.
pub(super) fn await_end(shared: Arc<Shared>, gid: Gid, first: Stored, waiters: Vec<Answer>) {
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        let result = end(&shared, &gid, &first, &waiters).await;
        for waiter in waiters {
            answer(waiter, result.clone());
        }
    });
}

async fn end(
    shared: &Shared,
    gid: &Gid,
    first: &Stored,
    waiters: &[Answer],
) -> Result<Applied, RequestError> {
    let mut span = FIRST_PAUSE;
    while waiters.iter().any(|waiter| !waiter.is_closed()) {
        if !pause(shared, shared.context.jitter.lengthened(span, 0.5)).await {
            return Err(RequestError::Stopping);
        }
        let Some(stored) = shared.context.store.load(gid).await? else {
            return Err(RequestError::NotFound(gid.to_string()));
        };
        // A pass that ends without the transaction leaves a time for the next one.
        let (now, before) = (&stored.transaction.state, &first.transaction.state);
        let has_passed = now.status == before.status && now.next_retry != before.next_retry;
        if has_passed || !stored.owner.held || now.status.is_final() {
            return Ok(Applied::Passed(stands(stored.transaction)));
        }
        span = (span * 2).min(LONGEST_PAUSE);
    }
    Err(RequestError::Busy(gid.to_string())) // nobody is there to hear it
}
