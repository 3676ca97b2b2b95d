//! The web hook: where alerts are posted to, and how often that is tried.

use std::time::Duration;

use http::Method;

use dtm_core::coordinator::Alert;

use super::message;
use crate::config::{AlertConfig, TransportConfig};
use crate::transport::{HttpClient, Target, Trouble, UrlError, json_request};

/// Why a web hook cannot be used. Says nothing about its URL, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The URL cannot be called.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// TLS cannot be set up at all.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// A web hook.
#[derive(Debug)]
pub(super) struct Hook {
    url: String,
    client: HttpClient,
    timeout: Duration,
}

/// Why an alert did not reach the hook.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error("the alert is no JSON: {0}")]
    Body(#[from] serde_json::Error),
}

impl Hook {
    pub(super) fn new(url: &str, config: &AlertConfig) -> Result<Self, HookError> {
        Target::new(url, &[])?;
        let client = HttpClient::new(&TransportConfig {
            connect_timeout: config.timeout,
            idle_per_destination: 1,
            response_bytes_max: ANSWER_BYTES_MAX,
            ..TransportConfig::default()
        })?;
        Ok(Self { url: url.to_owned(), client, timeout: config.timeout })
    }

    /// Posts an alert; when there is no answer, a few times more. Whatever the answer is, it is ignored
    /// (behaviour 92). A hook that is slow may get an alert twice.
    pub(super) async fn post(&self, alert: &Alert) -> Result<(), PostError> {
        let mut tries = 1;
        loop {
            match self.try_once(alert).await {
                Err(PostError::Trouble(trouble)) if tries < TRIES_MAX => {
                    tracing::debug!(gid = %alert.gid, tries, %trouble, "alert is posted again");
                    tokio::time::sleep(back_off(tries, rand::random())).await;
                    tries += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn try_once(&self, alert: &Alert) -> Result<(), PostError> {
        let target = Target::new(&self.url, &[])?;
        let request = json_request(target, Method::POST, message::body(alert)?);
        self.client.exchange(request, self.timeout).await?;
        Ok(())
    }
}

/// The pause after `tries` tries: doubles, less up to a half by `jitter` from 0 to 1.
fn back_off(tries: u32, jitter: f64) -> Duration {
    let pause = BACK_OFF.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
    pause.mul_f64(1.0 - 0.5 * jitter.clamp(0.0, 1.0))
}

/// How often an alert is posted, when no answer comes.
const TRIES_MAX: u32 = 3;
/// The pause after the first try.
const BACK_OFF: Duration = Duration::from_millis(500);
/// How much of an answer is read, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_and_jitter_takes_up_to_a_half() {
        for (tries, jitter, millis) in [(1, 0.0, 500), (2, 0.0, 1_000), (1, 1.0, 250), (2, 0.5, 750)] {
            assert_eq!(back_off(tries, jitter), Duration::from_millis(millis));
        }
    }
}
