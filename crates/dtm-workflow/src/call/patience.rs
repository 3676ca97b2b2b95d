//! How long a call may take, and how large its answer may be.

use std::future::Future;
use std::time::Duration;

use dtm_barrier::BranchError;

/// A service that is silent for longer is asked again later. Whoever wants to wait less sets a time-out at
/// the client.
const LONGEST: Duration = Duration::from_secs(60);

/// An answer is recorded by the server, which by default takes requests of 8 MiB; base64 adds a third.
pub(super) const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Why a call has no answer that counts. Never a "no": the call may have taken effect.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("the service did not answer within {} s", LONGEST.as_secs())]
    Silent,
    #[error(
        "the answer of the service has more than {ANSWER_BYTES_MAX} bytes, which is more than is recorded"
    )]
    TooLarge,
    #[error("{0}")]
    Unclear(String),
}

/// Waits, but not for ever.
pub(super) async fn patiently<T>(
    call: impl Future<Output = Result<T, BranchError>>,
) -> Result<T, BranchError> {
    tokio::time::timeout(LONGEST, call).await.map_err(|_| Unanswered::Silent)?
}
