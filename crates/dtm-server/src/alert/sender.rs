//! The end of the queue that the runner holds.

use tokio::sync::mpsc;

use dtm_core::coordinator::Alert;
use dtm_core::model::truncate;

use crate::metrics::Metrics;

/// Takes alerts, without ever waiting. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AlertSender {
    queue: Option<mpsc::Sender<Alert>>,
    metrics: Metrics,
}

impl AlertSender {
    pub(super) const fn to(queue: Option<mpsc::Sender<Alert>>, metrics: Metrics) -> Self {
        Self { queue, metrics }
    }

    /// Hands an alert over. It is logged in any case; without a web hook, that is all. When too many are
    /// waiting, it is dropped and counted: another one follows when the transaction has failed once more.
    pub fn send(&self, mut alert: Alert) {
        let Alert { gid, status, retry_count, .. } = &alert;
        tracing::warn!(%gid, %status, retry_count, "transaction is stuck");
        let Some(queue) = &self.queue else { return };
        // what waits takes bounded memory
        alert.error = truncate(&alert.error, ERROR_BYTES_MAX).to_owned();
        if let Err(error) = queue.try_send(alert) {
            self.metrics.alert_dropped();
            let (alert, why) = match error {
                mpsc::error::TrySendError::Full(alert) => (alert, "too many alerts wait for the web hook"),
                mpsc::error::TrySendError::Closed(alert) => (alert, "the server stops"),
            };
            tracing::warn!(gid = %alert.gid, why, "alert dropped");
        }
    }
}

/// The longest error text of an alert in bytes.
const ERROR_BYTES_MAX: usize = 4_096;
