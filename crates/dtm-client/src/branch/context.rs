//! Who is calling, and for which transaction.

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::BranchOp;
use crate::Mode;

/// What the server tells a branch in the query of the URL. The triple of gid, branch id and op names one
/// call: when it comes again, its effect must not.
///
/// ```
/// use dtm_client::branch::{BranchContext, BranchOp, BranchResult, Done};
///
/// async fn book(context: BranchContext) -> BranchResult {
///     match context.op {
///         BranchOp::Compensate => println!("cancel the booking of {}", context.gid),
///         _ => println!("book for {}", context.gid),
///     }
///     Ok(Done)
/// }
/// # let _: axum::Router = axum::Router::new().route("/book", axum::routing::post(book));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BranchContext {
    /// The global transaction.
    pub gid: String,
    /// The branch inside it.
    pub branch_id: String,
    /// What this call asks for.
    pub op: BranchOp,
    /// The mode of the global transaction.
    pub trans_type: Mode,
}

impl BranchContext {
    /// A context of your own making, to test a handler without a server.
    ///
    /// ```
    /// use dtm_client::Mode;
    /// use dtm_client::branch::{BranchContext, BranchOp};
    /// let call = BranchContext::new("order-1001", "01", BranchOp::Compensate, Mode::Saga);
    /// assert_eq!(call.branch_id, "01");
    /// ```
    pub fn new(gid: impl Into<String>, branch_id: impl Into<String>, op: BranchOp, trans_type: Mode) -> Self {
        Self { gid: gid.into(), branch_id: branch_id.into(), op, trans_type }
    }
}

/// The request does not come from a transaction manager: something of the query is missing or unknown. It is
/// answered with 400, which a transaction manager takes as "try again later", never as a "no".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a branch call: {0}")]
pub struct ContextRejection(String);

#[derive(Deserialize)]
struct Raw {
    gid: String,
    branch_id: String,
    op: String,
    trans_type: String,
}

impl<S: Send + Sync> FromRequestParts<S> for BranchContext {
    type Rejection = ContextRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let Query(Raw { gid, branch_id, op, trans_type }) = Query::<Raw>::try_from_uri(&parts.uri)
            .map_err(|rejection| ContextRejection(rejection.body_text()))?;
        if gid.is_empty() || branch_id.is_empty() {
            return Err(ContextRejection("gid or branch_id is empty".to_owned()));
        }
        Ok(Self {
            op: BranchOp::parse(&op).map_err(|error| ContextRejection(error.to_string()))?,
            trans_type: Mode::parse(&trans_type).map_err(|error| ContextRejection(error.to_string()))?,
            gid,
            branch_id,
        })
    }
}

impl IntoResponse for ContextRejection {
    fn into_response(self) -> Response {
        super::result::answer(StatusCode::BAD_REQUEST, None, Some(&self.to_string()))
    }
}
