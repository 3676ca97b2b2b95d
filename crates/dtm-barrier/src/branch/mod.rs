//! Answering as a branch: who is calling, and what the answer means.
//!
//! A branch handler may use `?` on anything: every error means "try again later". Only
//! [`BranchError::RollBack`] means "no", because a "no" undoes the whole transaction.
//!
//! ```
//! # #[cfg(feature = "axum")] mod example {
//! use axum::{Json, Router, routing::post};
//! use dtm_barrier::branch::{BranchContext, BranchError, BranchResult, Done};
//!
//! #[derive(serde::Deserialize)]
//! struct Transfer { account: String, cents: u64 }
//!
//! async fn take(context: BranchContext, Json(transfer): Json<Transfer>) -> BranchResult {
//!     let balance: u64 = "1000".parse()?; // any error: 500, the server asks again later
//!     if balance < transfer.cents {
//!         return Err(BranchError::roll_back(format!("{} has only {balance} cents", transfer.account)));
//!     }
//!     println!("take {} for {} {}", transfer.cents, context.gid, context.branch_id);
//!     Ok(Done)
//! }
//!
//! fn service() -> Router {
//!     Router::new().route("/take", post(take))
//! }
//! # }
//! ```
//!
//! Over gRPC (feature `tonic`) the context comes from the metadata, and `?` turns a [`BranchError`] into the right status:
//!
//! ```
//! # #[cfg(feature = "tonic")] mod example {
//! use dtm_barrier::branch::{BranchContext, BranchError};
//! use tonic::{Request, Response, Status};
//!
//! async fn take(request: Request<u64>) -> Result<Response<()>, Status> {
//!     let context = BranchContext::from_grpc(&request)?;
//!     if *request.get_ref() > 1_000 {
//!         return Err(BranchError::roll_back("too much").into()); // ABORTED
//!     }
//!     println!("take {} for {}", request.get_ref(), context.gid);
//!     Ok(Response::new(()))
//! }
//! # }
//! ```

#[cfg(feature = "axum")]
mod axum;
mod context;
mod op;
mod query;
mod result;
#[cfg(feature = "tonic")]
mod tonic;

pub(crate) use context::MESSAGE_BRANCH;
#[cfg(any(feature = "_sql", feature = "mongodb", feature = "redis"))]
pub(crate) use context::MESSAGE_USE;
pub use context::{BranchContext, NotABranchCall};
pub use op::{BranchOp, UnknownBranchOp};
pub use result::{BranchError, BranchResult, Done};
