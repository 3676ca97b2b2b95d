//! Finds transactions that nobody drives: due ones that were released, and those of dead servers.

use std::sync::Arc;

use super::context::Shared;
use super::driver::Start;
use super::engine::spawn_driver;
use super::jitter::lengthened;

/// Claims until the server stops. Looks when something that this process released becomes due, and otherwise
/// once every poll interval, for what other servers left behind.
pub(super) async fn poll(shared: Arc<Shared>) {
    let mut next_known = None;
    while !shared.is_stopping() {
        let full = claim(&shared).await;
        if full {
            tokio::task::yield_now().await;
            continue;
        }
        if let Some(noted) = shared.agenda.take() {
            next_known = Some(next_known.map_or(noted, |known: dtm_core::model::Timestamp| known.min(noted)));
        }
        let now = shared.now();
        next_known = next_known.filter(|known| *known > now);
        let longest = shared.context.settings.poll_interval;
        let pause = next_known.map_or(longest, |known| known.since(now).min(longest));
        tokio::select! {
            () = tokio::time::sleep(lengthened(pause, 0.05)) => {}
            () = shared.agenda.changed() => {}
            () = shared.stop.notified() => {}
        }
    }
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
        let gid = stored.transaction.gid().clone();
        let inbox = shared.registry.inbox(&gid);
        match inbox.fresh {
            Some(receiver) => spawn_driver(shared, gid, receiver, Start::Claimed(Box::new(stored))),
            // A request is being handled for it this very moment; its driver is told to look again.
            None => super::engine::hand_over(shared, gid, stored),
        }
    }
    found == limit
}
