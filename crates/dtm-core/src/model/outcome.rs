//! What became of a call.

/// The outcome of a call to a branch, a back-check or a workflow call-back.
///
/// A time-out, a lost connection and an answer that cannot be read are [`Outcome::Unknown`], never
/// [`Outcome::Failure`]: the call may have taken effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side did it.
    Success,
    /// The other side says that it did not do it and never will.
    Failure {
        /// The text of its answer.
        reason: String,
    },
    /// The other side is still at it: ask again later.
    Ongoing,
    /// Nobody knows: no answer, a broken one, or an error status.
    Unknown {
        /// What went wrong, for logs and alerts.
        cause: String,
    },
    /// The call was not made (destination is known to be down, server is stopping). It had no effect, and
    /// it does not count as an attempt.
    NotSent {
        /// Why it was not made, for logs and alerts.
        cause: String,
    },
}
