//! What the answer of a branch means.
//!
//! | handler returns | HTTP | `dtm_result` | the server |
//! |---|---|---|---|
//! | `Ok(Done)` | 200 | `SUCCESS` | goes on |
//! | `Err(BranchError::RollBack(..))` | 409 | `FAILURE` | undoes the transaction |
//! | `Err(BranchError::Ongoing)` | 425 | `ONGOING` | asks again, at the same interval |
//! | `Err(BranchError::Retry(..))`, any `?` | 500 | none | asks again, less and less often |

use std::error::Error as StdError;
use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What a branch handler returns.
///
/// ```
/// use dtm_client::branch::{BranchResult, Done};
///
/// async fn refund() -> BranchResult {
///     Ok(Done)
/// }
/// # let _: axum::Router = axum::Router::new().route("/refund", axum::routing::post(refund));
/// ```
pub type BranchResult = Result<Done, BranchError>;

/// The branch did it, or had done it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;

/// Why a branch did not do it (yet). Every error type converts to [`BranchError::Retry`], so `?` never rolls
/// back by accident.
///
/// ```
/// use dtm_client::branch::BranchError;
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
    /// # use dtm_client::branch::BranchError;
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

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, Some("SUCCESS"), None)
    }
}

impl IntoResponse for BranchError {
    fn into_response(self) -> Response {
        match &self {
            Self::RollBack(reason) => answer(StatusCode::CONFLICT, Some("FAILURE"), Some(reason)),
            Self::Ongoing => answer(StatusCode::TOO_EARLY, Some("ONGOING"), None),
            Self::Retry(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, None, Some(&self.to_string())),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dtm_result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// Servers of old search the whole body for two words, so a message must never contain them: an error text
/// with `FAILURE` in it would roll money back, a reason with `ONGOING` in it would never roll back.
pub(super) fn answer(code: StatusCode, dtm_result: Option<&'static str>, message: Option<&str>) -> Response {
    let message = message.map(|text| text.replace("FAILURE", "failure").replace("ONGOING", "ongoing"));
    (code, Json(Body { dtm_result, message: message.as_deref() })).into_response()
}
