//! What a driver wakes up for, and in which order.

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use dtm_core::coordinator::CallKey;
use dtm_core::model::Outcome;

use super::driver::Driver;
use super::request::Command;
use super::timer::Alarm;

/// What a driver wakes up for.
pub(super) enum Event {
    /// The server is stopping.
    Stop,
    /// A call has ended.
    Outcome(CallKey, Outcome),
    /// A client wants something.
    Request(Command),
    /// A time has come.
    Alarm(Alarm),
    /// Nothing can happen any more.
    Nothing,
}

/// Whose turn it is when both are there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Requests,
    Outcomes,
}

impl Driver {
    /// Waits for what happens next. When outcomes and requests are there at once they take turns: ten thousand
    /// outcomes do not keep a forced stop waiting, nor ten thousand requests an outcome.
    pub(super) async fn next_event(
        &mut self,
        stop: &CancellationToken,
        inbox: &mut mpsc::Receiver<Command>,
        turn: Turn,
    ) -> Event {
        let requests_first = turn == Turn::Requests && !inbox.is_empty();
        tokio::select! {
            biased;
            () = stop.cancelled(), if !self.stopping => Event::Stop,
            // Rings at most once for each time that it is set.
            alarm = self.timer.alarm(), if self.timer.is_armed() => Event::Alarm(alarm),
            Some((key, outcome)) = self.calls.next(), if !requests_first && !self.calls.is_empty() => {
                Event::Outcome(key, outcome)
            }
            Some(command) = inbox.recv() => Event::Request(command),
            else => Event::Nothing,
        }
    }
}
