//! The name of a branch inside its transaction.

use std::fmt;
use std::sync::Arc;

use super::StepIndex;

/// The id of a branch: `01`, `02`, ... for the steps of a saga or message, `0201` for a branch that branch
/// `02` registered, `00` for the transaction itself (back-check, workflow call-back). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchId(Arc<str>);

/// Why a text is not a branch id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BranchIdError {
    /// There was no text.
    #[error("branch_id is empty")]
    Empty,
    /// Longer than [`BranchId::MAX_BYTES`].
    #[error("branch_id is {0} bytes long, at most {max} are allowed", max = BranchId::MAX_BYTES)]
    TooLong(usize),
    /// The text has a control character.
    #[error("branch_id has a control character")]
    ControlCharacter,
}

impl BranchId {
    /// The longest branch id in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Checks a text and makes it a branch id.
    ///
    /// # Errors
    /// [`BranchIdError`] when the text is empty, too long or has a control character.
    pub fn parse(text: &str) -> Result<Self, BranchIdError> {
        if text.is_empty() {
            return Err(BranchIdError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(BranchIdError::TooLong(text.len()));
        }
        if text.contains(char::is_control) {
            return Err(BranchIdError::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The id of the transaction itself: back-checks and workflow call-backs carry it.
    #[must_use]
    pub fn root() -> Self {
        Self("00".into())
    }

    /// The id of step `index` (0-based): two digits from `01`, more when there are more than 99 steps.
    #[must_use]
    pub fn of_step(index: StepIndex) -> Self {
        Self(format!("{:02}", u64::from(index.get()) + 1).into())
    }

    /// The id of the branch of subscriber `position` (0-based) of the step with this id: `01-02`.
    pub(super) fn of_subscriber(&self, position: u32) -> Self {
        Self(format!("{self}-{:02}", u64::from(position) + 1).into())
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BranchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
