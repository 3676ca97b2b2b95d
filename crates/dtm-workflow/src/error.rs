//! What can go wrong, told apart by what the caller should do next.

use std::error::Error as StdError;

use crate::Divergence;

/// Why a workflow has no result (yet). Each variant asks for another reaction:
///
/// | variant | what holds | what to do |
/// |---|---|---|
/// | [`RolledBack`](Error::RolledBack) | undone everywhere, for good | tell the user why |
/// | [`Executing`](Error::Executing) | another execution in this process is at it | wait; execute again to learn the result |
/// | [`Ongoing`](Error::Ongoing), [`Interrupted`](Error::Interrupted) | what was done is recorded; the server has it go on | execute again to learn the result |
/// | [`Diverged`](Error::Diverged) | it stays as it is | run the version of the function that began it |
/// | [`NotRegistered`](Error::NotRegistered), [`Value`](Error::Value), [`Invalid`](Error::Invalid) | this call did nothing | correct the program |
/// | [`Server`](Error::Server) | [`dtm_client::Error`] says it: `Refused` for a gid that belongs to something else, `Unknown` when there was no answer | as it says |
///
/// ```
/// use dtm_workflow::Error;
///
/// fn advice(error: &Error) -> &'static str {
///     match error {
///         Error::RolledBack { .. } => "order cancelled",
///         error if error.is_temporary() => "order is being processed",
///         _ => "this is a defect of ours",
///     }
/// }
/// # assert_eq!(advice(&Error::Ongoing { gid: "order-1001".into() }), "order is being processed");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The workflow ended as failed: every effect was undone.
    #[error("workflow {gid} was rolled back: {reason}")]
    RolledBack {
        /// The workflow.
        gid: String,
        /// What the function, or the branch that said no, told.
        reason: String,
    },
    /// This process is executing the same gid at this moment.
    #[error(
        "workflow {gid} is being executed in this process: wait, then execute it again to learn the result"
    )]
    Executing {
        /// The workflow.
        gid: String,
    },
    /// A step said that it is still at it. The server asks again at the same interval.
    #[error("workflow {gid} has a step that is still at it: the server has it go on")]
    Ongoing {
        /// The workflow.
        gid: String,
    },
    /// An error that is no "no", a panic, an answer of the server that did not come, or another execution that
    /// was faster. What is recorded stays recorded, and the server has the workflow go on.
    #[error("workflow {gid} was interrupted ({cause}): the server has it go on")]
    Interrupted {
        /// The workflow.
        gid: String,
        /// Why.
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// The function does not ask for the steps that are recorded.
    #[error("workflow {gid} cannot go on: {source}")]
    Diverged {
        /// The workflow.
        gid: String,
        /// What does not fit.
        source: Divergence,
    },
    /// No function has this name.
    #[error(
        "no workflow '{name}' is registered; there are: {registered}. Register it when the process starts"
    )]
    NotRegistered {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        registered: String,
    },
    /// The input cannot be written as JSON, or the result is not of the type asked for.
    #[error("the {what} of workflow {gid} does not fit its type")]
    Value {
        /// `input` or `result`.
        what: &'static str,
        /// The workflow.
        gid: String,
        /// Why.
        source: serde_json::Error,
    },
    /// Something that was set up cannot be used.
    #[error("{field} cannot be used: {reason}")]
    Invalid {
        /// What it is about.
        field: &'static str,
        /// What is wrong with it and what is allowed.
        reason: String,
    },
    /// The server did not take the workflow, or nobody knows whether it did.
    #[error(transparent)]
    Server(#[from] dtm_client::Error),
}

impl Error {
    /// Whether the same call, with the same gid, can end differently later.
    ///
    /// ```
    /// # use dtm_workflow::Error;
    /// assert!(Error::Executing { gid: "g".into() }.is_temporary());
    /// assert!(!Error::RolledBack { gid: "g".into(), reason: "no money".into() }.is_temporary());
    /// ```
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Executing { .. } | Self::Ongoing { .. } | Self::Interrupted { .. } => true,
            Self::Server(error) => error.is_temporary(),
            Self::RolledBack { .. }
            | Self::Diverged { .. }
            | Self::NotRegistered { .. }
            | Self::Value { .. }
            | Self::Invalid { .. } => false,
        }
    }
}
