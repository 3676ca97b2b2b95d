//! Finds transactions that nobody drives: due ones that were released, and those of dead servers.

use std::sync::Arc;

use dtm_core::model::Timestamp;
use tokio::time::Instant;

use super::context::Shared;
use super::engine::take_up;

/// Claims until the server stops. Looks when something that this process released becomes due, and otherwise
/// once every poll interval, for what other servers left behind.
pub(super) async fn poll(shared: Arc<Shared>) {
    let mut next_known: Option<Timestamp> = None;
    while !shared.is_stopping() {
        // Taken before the look: what becomes due during it, or is noted during it, is looked for again.
        let noted = shared.agenda.take();
        let looked_at = shared.now();
        let full = claim(&shared).await;
        next_known = earlier(next_known, noted).filter(|known| *known > looked_at);
        if full {
            tokio::task::yield_now().await;
        } else {
            wait(&shared, next_known).await;
        }
    }
}

/// Waits for the next look. That something is released which is due later than another one changes nothing: a
/// look for each transaction that is prepared would cost more than all of its writes.
async fn wait(shared: &Shared, next_known: Option<Timestamp>) {
    let jitter = &shared.context.jitter;
    let end = Instant::now() + jitter.lengthened(shared.context.settings.poll_interval, 0.05);
    loop {
        let known = earlier(next_known, shared.agenda.earliest());
        let due = known.map(|known| Instant::now() + jitter.lengthened(known.since(shared.now()), 0.05));
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(due.map_or(end, |due| due.min(end))) => return,
            () = shared.agenda.changed() => {}
            () = shared.stop.cancelled() => return,
        }
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// Claims one batch and starts its drivers. Whether there may be more right now.
async fn claim(shared: &Arc<Shared>) -> bool {
    let context = &shared.context;
    let room = context.settings.active_max.saturating_sub(shared.registry.active());
    let limit = context.settings.claim_batch.min(room);
    if limit == 0 {
        return false;
    }
    let claims = match context.store.claim_due(&context.tokens, limit).await {
        Ok(claims) => claims,
        Err(error) => {
            tracing::warn!(%error, "could not look for due transactions; trying again");
            if error.happened() != Some(false) {
                shared.doubt.notify_one();
            }
            return false;
        }
    };
    for damaged in claims.damaged {
        context.metrics.record_damaged();
        tracing::error!(
            gid = damaged.gid,
            detail = damaged.detail,
            "a stored transaction cannot be read; it is left as it is"
        );
    }
    let found = claims.claimed.len();
    for stored in claims.claimed {
        take_up(shared, stored.transaction.gid().clone(), stored.owner.token);
    }
    found == limit
}
