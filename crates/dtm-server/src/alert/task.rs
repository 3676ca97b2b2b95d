//! The task that posts alerts, one after the other.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use dtm_core::coordinator::Alert;

use super::hook::{Hook, HookError};
use super::sender::AlertSender;
use crate::config::AlertConfig;
use crate::metrics::Metrics;

/// The task behind the senders. It ends by [`stop`](Self::stop), or when the last sender is dropped.
#[derive(Debug)]
pub struct AlertTask {
    stop: CancellationToken,
    /// `None` when there is no web hook.
    posting: Option<JoinHandle<()>>,
}

/// Starts to take alerts. Without a web hook they are logged and nothing else.
///
/// # Errors
/// [`HookError`] when the web hook cannot be used. Nothing runs then.
pub fn start(config: &AlertConfig, metrics: &Metrics) -> Result<(AlertSender, AlertTask), HookError> {
    let stop = CancellationToken::new();
    let Some(url) = config.web_hook.as_deref().filter(|url| !url.is_empty()) else {
        return Ok((AlertSender::to(None, metrics.clone()), AlertTask { stop, posting: None }));
    };
    let hook = Hook::new(url, config)?;
    let (sender, queue) = mpsc::channel(config.queue_max.max(1));
    let posting = tokio::spawn(post_all(queue, hook, metrics.clone(), stop.clone()));
    let sender = AlertSender::to(Some(sender), metrics.clone());
    Ok((sender, AlertTask { stop, posting: Some(posting) }))
}

impl AlertTask {
    /// Takes no more alerts, posts those that wait, and gives up after `limit`.
    pub async fn stop(self, limit: Duration) {
        self.stop.cancel();
        let Some(mut posting) = self.posting else { return };
        if tokio::time::timeout(limit, &mut posting).await.is_err() {
            posting.abort();
            tracing::warn!("the web hook is too slow: alerts that were waiting are lost");
        }
    }
}

async fn post_all(mut queue: mpsc::Receiver<Alert>, hook: Hook, metrics: Metrics, stop: CancellationToken) {
    loop {
        let alert = tokio::select! {
            alert = queue.recv() => alert,
            () = stop.cancelled() => break,
        };
        match alert {
            Some(alert) => post(&hook, &metrics, &alert).await,
            None => return,
        }
    }
    queue.close();
    while let Some(alert) = queue.recv().await {
        post(&hook, &metrics, &alert).await;
    }
}

async fn post(hook: &Hook, metrics: &Metrics, alert: &Alert) {
    match hook.post(alert).await {
        Ok(()) => metrics.alert_sent(),
        Err(error) => {
            metrics.alert_failed();
            tracing::warn!(gid = %alert.gid, %error, "the web hook did not get an alert");
        }
    }
}
