//! What can go wrong, told apart by what the caller should do next.

use std::fmt;

use dtm_core::model::Status;

use crate::branch::BranchError;

/// Why a call to the server did not end well. Each variant asks for another reaction:
///
/// | variant | what holds | what to do |
/// |---|---|---|
/// | [`RolledBack`](Error::RolledBack) | undone everywhere, for good | tell the user why |
/// | [`StillRunning`](Error::StillRunning) | the server has it and goes on | look again later with [`Client::status`](crate::Client::status) |
/// | [`Refused`](Error::Refused) | this request started nothing | correct the request |
/// | [`Unknown`](Error::Unknown) | accepted or not, nobody knows | submit again with the same gid |
/// | [`NoAnswer`](Error::NoAnswer) | a question was not answered, nothing was started | ask again |
/// | [`Closure`](Error::Closure) | what the caller wanted to do inside failed; `fate` says what becomes of the transaction | depends on `cause` and `fate` |
/// | [`AlreadySucceeded`](Error::AlreadySucceeded) | it was done before, under the same gid | nothing |
/// | [`Invalid`](Error::Invalid), [`Payload`](Error::Payload) | nothing was sent | correct the program |
///
/// ```
/// use dtm_client::Error;
///
/// fn advice(error: &Error) -> &'static str {
///     match error {
///         Error::RolledBack { .. } => "order cancelled",
///         Error::StillRunning { .. } => "order is being processed",
///         Error::Unknown { .. } | Error::NoAnswer { .. } => "try again",
///         _ => "this is a defect of ours",
///     }
/// }
/// # let error = Error::Unknown { gid: "order-1001".into(), cause: "time-out".into() };
/// # assert_eq!(advice(&error), "try again");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The transaction ended as failed: every effect was undone.
    #[error("transaction {gid} was rolled back: {reason}")]
    RolledBack {
        /// The transaction.
        gid: String,
        /// What the failing branch, or the server, said.
        reason: String,
    },
    /// The transaction was accepted and has not ended. The server brings it to its end.
    #[error(
        "transaction {gid} has not ended yet, it is {status}: the server goes on with it, look again later"
    )]
    StillRunning {
        /// The transaction.
        gid: String,
        /// Where it stands: `aborting` means that it is being rolled back.
        status: Status,
    },
    /// The server understood the request and declined it. Sending it again unchanged does not help.
    #[error("the server refused {request} with HTTP {code}: {message}")]
    Refused {
        /// What was asked, for example `submit of order-1001`.
        request: String,
        /// The HTTP status: 400 for a field that cannot be used, 409 when the gid belongs to a transaction
        /// with other content, 413 when the request is too large. Over gRPC and JSON-RPC the one that stands
        /// for the same.
        code: u16,
        /// The message of the server; it names the field.
        message: String,
    },
    /// A submit was sent, or may have been sent, and there is no answer that can be relied on.
    #[error(
        "it is unknown whether transaction {gid} was accepted ({cause}): submit it again with the same gid; the server \
         compares the content and does not start it twice"
    )]
    Unknown {
        /// The transaction.
        gid: String,
        /// No connection, a time-out, an error of the server, ...
        cause: String,
    },
    /// A question that changes nothing (a new gid, a status) got no usable answer.
    #[error("the server gave no usable answer to {request} ({cause}): nothing was started, ask again")]
    NoAnswer {
        /// What was asked.
        request: String,
        /// No connection, a time-out, an answer that cannot be read, ...
        cause: String,
    },
    /// The closure of a TCC, an XA transaction or a message returned an error.
    #[error("transaction {gid}: {}; {fate}", said(.cause))]
    Closure {
        /// The transaction.
        gid: String,
        /// What the closure returned.
        cause: BranchError,
        /// What becomes of the transaction.
        fate: Fate,
    },
    /// A transaction of this name has succeeded before. Its closure was not run again.
    #[error("transaction {gid} has succeeded before: nothing was done this time")]
    AlreadySucceeded {
        /// The transaction.
        gid: String,
    },
    /// Something that the caller handed in cannot be used. Nothing was sent.
    #[error("{field} cannot be used: {reason}")]
    Invalid {
        /// What it is about.
        field: &'static str,
        /// What is wrong with it and what is allowed.
        reason: String,
    },
    /// A payload could not be written as JSON. Nothing was sent.
    #[error("the payload of the step {action} cannot be written as JSON")]
    Payload {
        /// The action URL of the step.
        action: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// What the closure returned, as its caller reads it. `BranchError` itself speaks to the server: "try again later" would be wrong
/// here, where a "no" that was passed on with `?` has ended the transaction.
pub(crate) fn said(cause: &BranchError) -> String {
    let BranchError::Retry(error) = cause else {
        return match cause {
            BranchError::RollBack(reason) => reason.clone(),
            other => other.to_string(),
        };
    };
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What becomes of a transaction whose closure returned an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It has been rolled back: every effect was undone.
    RolledBack,
    /// It is being rolled back. Without `wait_result` that is all there is to know; otherwise something has not been
    /// undone yet, and the server goes on until it is, or the server could not be told, and begins after its time-out.
    RollingBack,
    /// It goes forward all the same. A message: the back-check says that its local transaction had committed (an
    /// answer of the database got lost). TCC, XA: another run under the same gid has submitted it.
    Submitted,
    /// Nobody knows yet whether the local transaction of the message has committed. The server finds out by
    /// its back-check.
    Open,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RolledBack => "it has been rolled back",
            Self::RollingBack => "it is being rolled back, and the server goes on until that is done",
            Self::Submitted => {
                "all the same it goes forward: it had been committed, or another run has submitted it"
            }
            Self::Open => "whether its local transaction has committed is found out by the back-check",
        })
    }
}

impl Error {
    /// Whether the same call, with the same gid, can end differently later.
    ///
    /// ```
    /// # use dtm_client::Error;
    /// assert!(Error::Unknown { gid: "g".into(), cause: "time-out".into() }.is_temporary());
    /// assert!(!Error::RolledBack { gid: "g".into(), reason: "no money".into() }.is_temporary());
    /// ```
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::StillRunning { .. }
            | Self::Unknown { .. }
            | Self::NoAnswer { .. }
            | Self::Closure { fate: Fate::Open, .. } => true,
            Self::RolledBack { .. }
            | Self::Refused { .. }
            | Self::Closure { .. }
            | Self::AlreadySucceeded { .. }
            | Self::Invalid { .. }
            | Self::Payload { .. } => false,
        }
    }

    pub(crate) fn invalid(field: &'static str, reason: impl fmt::Display) -> Self {
        Self::Invalid { field, reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallError;

    #[test]
    fn what_a_branch_refused_is_told_without_advice_that_is_not_for_the_caller() {
        let no = CallError::RollBack { url: "http://bank/try".to_owned(), reason: "too little".to_owned() };
        for (cause, expected) in [
            (
                BranchError::from(no),
                "transaction g: http://bank/try said no: too little; it has been rolled back",
            ),
            (BranchError::roll_back("sold out"), "transaction g: sold out; it has been rolled back"),
        ] {
            let error = Error::Closure { gid: "g".to_owned(), cause, fate: Fate::RolledBack };
            assert_eq!(error.to_string(), expected);
        }
    }
}
