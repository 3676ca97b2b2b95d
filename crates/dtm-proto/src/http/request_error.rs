//! Why a request that could be read is not accepted.

use dtm_core::coordinator::Refusal;
use dtm_core::model::{
    BranchIdError, GidError, OrderingError, UnknownMode, UnknownOp, UnknownProtocol, UnknownStatus, truncate,
};

use super::json::DecodeError;

/// Why a request that could be read is not accepted. The message names the field and what is allowed; nothing
/// may be stored then (decision 14).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The gid cannot be used.
    #[error(transparent)]
    Gid(#[from] GidError),
    /// The branch id cannot be used.
    #[error(transparent)]
    BranchId(#[from] BranchIdError),
    /// `trans_type` is none of the five.
    #[error(transparent)]
    Mode(#[from] UnknownMode),
    /// `protocol` is none of the three.
    #[error(transparent)]
    Protocol(#[from] UnknownProtocol),
    /// `op` is none of the known ones.
    #[error(transparent)]
    Op(#[from] UnknownOp),
    /// `status` is none of the known ones.
    #[error("status of a branch: {0}, use one of prepared, succeed, failed")]
    BranchStatus(UnknownStatus),
    /// `orders` names unknown steps or has a cycle.
    #[error(transparent)]
    Ordering(#[from] OrderingError),
    /// The coordinator would refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// `custom_data` is not the JSON that this mode needs.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Not one payload for each step.
    #[error("payloads has {payloads} entries, but steps has {steps}: send one payload for each step")]
    PayloadCount {
        /// How many payloads were sent, in `payloads` or as `steps[].data`.
        payloads: usize,
        /// How many steps were sent.
        steps: usize,
    },
    /// A field is too long.
    #[error("{field} is {bytes} bytes long, at most {limit} are allowed ({setting})")]
    TooLarge {
        /// The field.
        field: String,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
        /// The setting that raises the limit.
        setting: &'static str,
    },
    /// A field has a value that is not allowed.
    #[error("{field} {problem}")]
    Field {
        /// The field.
        field: String,
        /// What is wrong with it, and what is allowed.
        problem: String,
    },
    /// No branch of this type can be registered (behaviour 23; the spelling is DTM's).
    #[error("unknow trans type: {0}")]
    UnknownRegistration(String),
}

impl RequestError {
    /// The HTTP status that it is answered with: 400, and 500 where existing clients are used to it.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::UnknownRegistration(_) => 500,
            _ => 400,
        }
    }

    pub(super) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field { field: field.into(), problem: problem.into() }
    }
}

/// The beginning of a text that should be one of a few words: longer ones are none of them, and need not go
/// into a message in full.
pub(super) fn word(text: &str) -> &str {
    truncate(text, 64)
}
