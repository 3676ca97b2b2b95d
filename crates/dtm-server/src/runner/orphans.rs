//! Finds transactions that this process holds and does not drive.
//!
//! When the store does not answer a claim or a creation, it may have happened all the same, and then the
//! transaction is held by a living server that knows nothing of it. Nobody else can claim it. So after such a
//! failure this server looks for what it holds.

use std::sync::Arc;
use std::time::Duration;

use dtm_store::{Error, Listed};

use super::context::Shared;
use super::engine::take_up;
use super::housekeeping::pause;

/// When to look after a failure. What was under way may land late, so one look is not enough.
const LOOKS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];
/// The pause after a look that failed.
const PAUSE: Duration = Duration::from_secs(5);
const PAGE: usize = 500;

/// Looks after each doubt until the server stops.
pub(super) async fn look_after(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = shared.doubt.notified() => {}
        }
        for span in LOOKS {
            if !pause(&shared, span).await {
                return;
            }
            while let Err(error) = look(&shared).await {
                tracing::warn!(%error, "could not look for transactions whose claim was not answered");
                if !error.retry_helps() {
                    break;
                }
                if !pause(&shared, PAUSE).await {
                    return;
                }
            }
        }
    }
}

async fn look(shared: &Arc<Shared>) -> Result<(), Error> {
    let context = &shared.context;
    let (node, epoch) = (context.tokens.node(), context.tokens.epoch());
    let mut cursor = None;
    loop {
        let page = context.store.held(node, epoch, cursor.as_ref(), PAGE).await?;
        for listed in page.transactions {
            take_up_orphan(shared, listed);
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// One that is driven is left to its driver. One that was taken or released since it was listed has another
/// token, or is not held: its driver ends at once.
fn take_up_orphan(shared: &Arc<Shared>, listed: Listed) {
    let gid = listed.definition.gid;
    if shared.holds(&listed.owner) && !shared.registry.has(&gid) {
        tracing::info!(%gid, "taking up a transaction whose claim was not answered");
        take_up(shared, gid, listed.owner.token);
    }
}
