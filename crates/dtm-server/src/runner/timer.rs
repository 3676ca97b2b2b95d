//! When a driver looks again: the wake-up of the last decision, or the flush of deferred progress.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::jitter::Jitter;

/// The two alarms of a driver on one timer.
#[derive(Debug, Default)]
pub(super) struct Timer {
    wake: Option<Instant>,
    flush: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// What a timer rang for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    Wake,
    Flush,
}

impl Timer {
    /// Rings after `pause` and a little more, at random, so that a thousand transactions that failed together
    /// do not come back together. `None`: not at all.
    pub(super) fn wake_in(&mut self, pause: Option<Duration>, jitter: &Jitter) {
        self.wake = pause.map(|pause| {
            let spread = (pause / 10).min(Duration::from_secs(1));
            Instant::now() + pause + jitter.lengthened(spread, 1.0) - spread
        });
        self.arm();
    }

    /// Rings after `pause` unless it is set already.
    pub(super) fn flush_in(&mut self, pause: Duration) {
        if self.flush.is_none() {
            self.flush = Some(Instant::now() + pause);
            self.arm();
        }
    }

    /// Nothing is left to flush.
    pub(super) fn flushed(&mut self) {
        self.flush = None;
    }

    pub(super) fn is_armed(&self) -> bool {
        self.wake.is_some() || self.flush.is_some()
    }

    /// Waits for the next alarm; for ever when none is set.
    pub(super) async fn alarm(&mut self) -> Alarm {
        loop {
            let next = match (self.wake, self.flush) {
                (Some(wake), Some(flush)) => wake.min(flush),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => return std::future::pending().await,
            };
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().await,
                None => self.sleep = Some(Box::pin(sleep_until(next))),
            }
            let now = Instant::now();
            if self.flush.is_some_and(|flush| flush <= now) {
                self.flush = None;
                self.arm();
                return Alarm::Flush;
            }
            if self.wake.is_some_and(|wake| wake <= now) {
                self.wake = None;
                self.arm();
                return Alarm::Wake;
            }
            self.arm();
        }
    }

    fn arm(&mut self) {
        let next = match (self.wake, self.flush) {
            (Some(wake), Some(flush)) => wake.min(flush),
            (Some(at), None) | (None, Some(at)) => at,
            (None, None) => return,
        };
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(next);
        }
    }
}
