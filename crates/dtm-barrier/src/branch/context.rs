//! Who is calling, and for which transaction.

use dtm_core::model::Mode;

#[cfg(any(feature = "_sql", feature = "mongodb", feature = "redis"))]
use super::BranchError;
use super::BranchOp;
#[cfg(any(feature = "_sql", feature = "mongodb", feature = "redis"))]
use crate::BarrierError;

/// The branch of a message's local transaction.
pub(crate) const MESSAGE_BRANCH: &str = "00";

/// The number of the use of the barrier that it is.
#[cfg(any(feature = "_sql", feature = "mongodb", feature = "redis"))]
pub(crate) const MESSAGE_USE: &str = "01";

/// What the transaction manager tells a branch, in the query of the URL or in gRPC metadata. The triple of gid, branch id
/// and op names one call: when it comes again, its effect must not.
///
/// With the feature `axum` it is an extractor:
///
/// ```
/// # #[cfg(feature = "axum")] mod example {
/// use dtm_barrier::branch::{BranchContext, BranchOp, BranchResult, Done};
///
/// async fn book(context: BranchContext) -> BranchResult {
///     match context.op {
///         BranchOp::Compensate => println!("cancel the booking of {}", context.gid),
///         _ => println!("book for {}", context.gid),
///     }
///     Ok(Done)
/// }
/// # fn routes() -> axum::Router { axum::Router::new().route("/book", axum::routing::post(book)) }
/// # }
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
    /// XA: the URL of this branch as its caller knows it. In the first phase the branch is registered with it, so that the
    /// transaction manager can call it in the second.
    pub phase2_url: Option<String>,
}

impl BranchContext {
    /// A context of your own making, to test a handler without a server.
    ///
    /// ```
    /// use dtm_barrier::Mode;
    /// use dtm_barrier::branch::{BranchContext, BranchOp};
    /// let call = BranchContext::new("order-1001", "01", BranchOp::Compensate, Mode::Saga);
    /// assert_eq!(call.branch_id, "01");
    /// ```
    pub fn new(gid: impl Into<String>, branch_id: impl Into<String>, op: BranchOp, trans_type: Mode) -> Self {
        Self { gid: gid.into(), branch_id: branch_id.into(), op, trans_type, phase2_url: None }
    }

    /// Refuses a call for another op: a confirm that was registered with the URL of the cancel, for example. With `?` a
    /// handler answers it with "try again later", and nothing is done.
    ///
    /// ```
    /// use dtm_barrier::{BranchContext, BranchOp, Mode};
    /// let call = BranchContext::new("order-1001", "01", BranchOp::Cancel, Mode::Tcc);
    /// assert!(call.require(BranchOp::Cancel).is_ok());
    /// let refused = call.require(BranchOp::Confirm).unwrap_err();
    /// assert_eq!(refused.to_string(), "not a branch call: this is for confirm, and the call is cancel: look at its URLs");
    /// ```
    ///
    /// # Errors
    /// [`NotABranchCall`] naming both ops.
    pub fn require(&self, op: BranchOp) -> Result<(), NotABranchCall> {
        if self.op == op {
            return Ok(());
        }
        let found = self.op;
        Err(NotABranchCall(format!("this is for {op}, and the call is {found}: look at its URLs")))
    }

    /// The local transaction that this back-check asks for; an error when it is none.
    #[cfg(any(feature = "_sql", feature = "mongodb", feature = "redis"))]
    pub(crate) fn of_message(&self) -> Result<Self, BarrierError> {
        match self.op {
            BranchOp::Message => Ok(Self { branch_id: MESSAGE_BRANCH.to_owned(), ..self.clone() }),
            other => Err(BarrierError::NotABackCheck(other)),
        }
    }

    /// What a message is told whose local transaction will not be.
    #[cfg(any(feature = "_sql", feature = "mongodb", feature = "redis"))]
    pub(crate) fn not_prepared(&self) -> BranchError {
        let gid = &self.gid;
        BranchError::roll_back(format!(
            "the local transaction of message {gid} did not commit before it was asked for"
        ))
    }

    /// A context from the texts that a call carries, each `None` when it is missing.
    pub(super) fn from_texts(
        gid: Option<&str>,
        branch_id: Option<&str>,
        op: Option<&str>,
        trans_type: Option<&str>,
        phase2_url: Option<&str>,
    ) -> Result<Self, NotABranchCall> {
        let wanted = |name: &str, value: Option<&str>| match value {
            Some(value) if !value.is_empty() => Ok(value.to_owned()),
            Some(_) => Err(NotABranchCall(format!("{name} is empty"))),
            None => Err(NotABranchCall(format!("{name} is missing"))),
        };
        let refused = |error: &dyn std::error::Error| NotABranchCall(error.to_string());
        Ok(Self {
            phase2_url: phase2_url.filter(|url| !url.is_empty()).map(str::to_owned),
            gid: wanted("gid", gid)?,
            branch_id: wanted("branch_id", branch_id)?,
            op: BranchOp::parse(&wanted("op", op)?).map_err(|error| refused(&error))?,
            trans_type: Mode::parse(&wanted("trans_type", trans_type)?).map_err(|error| refused(&error))?,
        })
    }
}

/// The request does not come from a transaction manager: something that names the call is missing, given twice or unknown.
/// It is answered with 400 or `INVALID_ARGUMENT`, which a transaction manager takes as "try again later", never as a "no".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a branch call: {0}")]
pub struct NotABranchCall(pub(crate) String);
