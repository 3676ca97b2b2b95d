//! Answering as a branch, with axum (feature `axum`): who is calling, and what the answer means.
//!
//! A branch handler may use `?` on anything: every error means "try again later". Only
//! [`BranchError::RollBack`] means "no", because a "no" undoes the whole transaction.
//!
//! ```
//! use axum::{Json, Router, routing::post};
//! use dtm_client::branch::{BranchContext, BranchError, BranchResult, Done};
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
//! let service: Router = Router::new().route("/take", post(take));
//! # let _ = service;
//! ```

mod context;
mod op;
mod result;

pub use context::{BranchContext, ContextRejection};
pub use op::{BranchOp, UnknownBranchOp};
pub use result::{BranchError, BranchResult, Done};
