//! What can go wrong, told apart by what the caller should do next.

use dtm_core::model::Status;

use crate::api::{ApiError, Class};

/// Why a request did not end well. Each variant asks for another reaction:
///
/// | variant | what holds | what to do |
/// |---|---|---|
/// | [`RolledBack`](Error::RolledBack) | undone everywhere, or being undone | tell the user why |
/// | [`StillRunning`](Error::StillRunning) | it is stored, and goes on | look again later with [`Coordinator::status`](super::Coordinator::status) |
/// | [`Refused`](Error::Refused) | this request started nothing | correct the program |
/// | [`Unknown`](Error::Unknown) | stored or not, nobody knows | submit again with the same gid |
/// | [`Payload`](Error::Payload) | nothing was asked | correct the program |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The transaction failed: every effect was undone. Without `wait_result`, it is being undone.
    #[error("transaction {gid} was rolled back: {reason}")]
    RolledBack {
        /// The transaction.
        gid: String,
        /// What the failing branch, or the coordinator, said.
        reason: String,
    },
    /// The transaction is stored and has not ended. The coordinator brings it to its end.
    #[error(
        "transaction {gid} has not ended yet, it is {status}: the coordinator goes on with it, look again later"
    )]
    StillRunning {
        /// The transaction.
        gid: String,
        /// Where it stands: `aborting` means that it is being rolled back.
        status: Status,
    },
    /// The coordinator declined the request. Asking again unchanged does not help.
    #[error("the request for {gid} was refused: {message}")]
    Refused {
        /// The transaction.
        gid: String,
        /// What is wrong; it names the field.
        message: String,
    },
    /// The store failed, or the coordinator is stopping: whether the request was stored is not known.
    #[error(
        "it is unknown whether the request for {gid} was stored ({cause}): ask again with the same gid; the \
         content is compared, and nothing is started twice"
    )]
    Unknown {
        /// The transaction.
        gid: String,
        /// What went wrong.
        cause: String,
    },
    /// A payload cannot be written as JSON (a map whose keys are not text, for example).
    #[error("the payload for {url} cannot be written as JSON: {source}")]
    Payload {
        /// The branch that it was for.
        url: String,
        /// Why not.
        source: serde_json::Error,
    },
}

impl Error {
    pub(super) fn of(gid: &str, error: ApiError) -> Self {
        let (gid, message) = (gid.to_owned(), error.message);
        match (error.status, error.class) {
            (Some(Status::Failed), _) => {
                Self::RolledBack { gid, reason: without_marker(&message).to_owned() }
            }
            (Some(status @ (Status::Prepared | Status::Submitted | Status::Aborting)), _) => {
                Self::StillRunning { gid, status }
            }
            (Some(Status::Succeed) | None, Class::Invalid | Class::Failure) => Self::Refused { gid, message },
            (Some(Status::Succeed) | None, Class::Internal | Class::Ongoing) => {
                Self::Unknown { gid, cause: message }
            }
        }
    }
}

/// On the wire a reason ends with the word that old clients look for.
pub(super) fn without_marker(reason: &str) -> &str {
    reason.strip_suffix("FAILURE").map_or(reason, str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_holds() {
        // decision 5
        let of = |class, status| {
            Error::of("g", ApiError { class, message: "sold out FAILURE".to_owned(), status })
        };
        let rolled_back = of(Class::Failure, Some(Status::Failed));
        assert_eq!(rolled_back.to_string(), "transaction g was rolled back: sold out");
        let running = of(Class::Failure, Some(Status::Aborting));
        assert!(matches!(running, Error::StillRunning { status: Status::Aborting, .. }), "{running}");
        assert!(matches!(of(Class::Invalid, None), Error::Refused { .. }));
        assert!(
            matches!(of(Class::Failure, None), Error::Refused { .. }),
            "the gid is another transaction's"
        );
        assert!(matches!(of(Class::Internal, None), Error::Unknown { .. }));
    }
}
