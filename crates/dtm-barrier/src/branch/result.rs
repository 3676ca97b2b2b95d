//! What the answer of a branch means.
//!
//! | handler returns | HTTP | `dtm_result` | gRPC | the server |
//! |---|---|---|---|---|
//! | `Ok(Done)` | 200 | `SUCCESS` | `OK` | goes on |
//! | `Err(BranchError::RollBack(..))` | 409 | `FAILURE` | `ABORTED` | undoes the transaction |
//! | `Err(BranchError::Ongoing)` | 425 | `ONGOING` | `FAILED_PRECONDITION` | asks again, at the same interval |
//! | `Err(BranchError::Retry(..))`, any `?` | 500 | none | `UNKNOWN` | asks again, less and less often |

use std::error::Error as StdError;
use std::fmt;

/// What a branch handler returns.
///
/// ```
/// use dtm_barrier::branch::{BranchResult, Done};
///
/// async fn refund() -> BranchResult {
///     Ok(Done)
/// }
/// ```
pub type BranchResult = Result<Done, BranchError>;

/// The branch did it, or had done it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;

/// Why a branch did not do it (yet). Every error type converts to [`BranchError::Retry`], so `?` never rolls
/// back by accident.
///
/// ```
/// use dtm_barrier::branch::BranchError;
///
/// fn parse(text: &str) -> Result<u64, BranchError> {
///     Ok(text.parse()?)
/// }
/// assert!(matches!(parse("many"), Err(BranchError::Retry(_))));
/// ```
#[derive(Debug)]
pub enum BranchError {
    /// "No, never, and I changed nothing": the transaction is undone. The text becomes its rollback reason.
    /// Do not return it from a compensation, confirm or cancel: they have to succeed in the end, and are
    /// asked again.
    RollBack(String),
    /// "I am at it": ask again later, at the same interval.
    Ongoing,
    /// "Something went wrong": ask again later, less and less often.
    Retry(Box<dyn StdError + Send + Sync>),
}

impl BranchError {
    /// A [`RollBack`](Self::RollBack).
    ///
    /// ```
    /// # use dtm_barrier::branch::BranchError;
    /// let error = BranchError::roll_back("sold out");
    /// assert_eq!(error.to_string(), "roll back: sold out");
    /// ```
    pub fn roll_back(reason: impl Into<String>) -> Self {
        Self::RollBack(reason.into())
    }
}

/// This is why `BranchError` itself is no `std::error::Error`: both are not possible.
impl<E: StdError + Send + Sync + 'static> From<E> for BranchError {
    fn from(error: E) -> Self {
        Self::Retry(Box::new(error))
    }
}

impl fmt::Display for BranchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RollBack(reason) => write!(f, "roll back: {reason}"),
            Self::Ongoing => f.write_str("still at it"),
            Self::Retry(error) => {
                write!(f, "try again later: {error}")?;
                let mut source = error.source();
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
        }
    }
}
