//! Heartbeat of this server, and removal of what has been finished, or dead, for long.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::Timestamp;

use super::context::Shared;

/// The pause between two rounds of removal.
const PURGE_INTERVAL: Duration = Duration::from_secs(60);
const PURGE_BATCH: usize = 500;

/// The pause between two looks for servers that are to be forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(3_600);
const FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);

/// Renews the heartbeat until the server stops. A later start of the same name ends the process's claim to
/// drive anything, so the runner stops then.
pub(super) async fn beat(shared: Arc<Shared>) {
    let context = &shared.context;
    while pause(&shared, context.settings.heartbeat_interval).await {
        let beaten = context.store.heartbeat(context.tokens.node(), context.tokens.epoch()).await;
        shared.note_health(beaten.is_ok());
        match beaten {
            Ok(()) => {}
            Err(error @ dtm_store::Error::Conflict { .. }) => {
                tracing::error!(%error, node = context.tokens.node().as_str(), "another server runs under this name, so this one stops: give each its own NodeName");
                shared.stop.cancel();
            }
            Err(error) => tracing::warn!(%error, "the heartbeat could not be written; trying again"),
        }
    }
}

/// Removes finished transactions that are older than the configured time, a batch at a time.
pub(super) async fn purge(shared: Arc<Shared>) {
    let Some(keep) = shared.context.settings.keep_finished else { return };
    let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    while pause(&shared, PURGE_INTERVAL).await {
        let before = Timestamp::from_millis(shared.now().as_millis().saturating_sub(keep));
        loop {
            match shared.context.store.purge(before, PURGE_BATCH).await {
                Ok(count) if count == PURGE_BATCH && !shared.is_stopping() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "old transactions could not be removed; trying again");
                    break;
                }
            }
        }
    }
}

/// Has the store forget servers that are dead for long.
pub(super) async fn forget(shared: Arc<Shared>) {
    while pause(&shared, FORGET_INTERVAL).await {
        match shared.context.store.forget_dead(FORGOTTEN_AFTER).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "servers that were not heard of for a day are forgotten"),
            Err(error) => tracing::warn!(%error, "dead servers could not be forgotten; trying again"),
        }
    }
}

/// Waits; false when the server stops.
pub(super) async fn pause(shared: &Shared, span: Duration) -> bool {
    tokio::select! {
        biased;
        () = tokio::time::sleep(span) => {}
        () = shared.stop.cancelled() => {}
    }
    !shared.is_stopping()
}
