//! The side of a branch: who is calling, what the answer means, and the *barrier* that makes a branch safe to call again.
//!
//! A transaction manager that got no answer has to ask again, so every branch is called *at least* once, and networks
//! reorder. Three things can happen to a service:
//!
//! | trouble | example | right answer |
//! |---|---|---|
//! | the same call twice | the answer to "take 30.00" got lost | take it once, say "done" twice |
//! | compensation without action | "take 30.00" never arrived, then "give it back" | give back nothing, say "done" |
//! | action after its compensation | "take 30.00" was stuck in the network meanwhile | take nothing |
//!
//! One table settles all three, if it is written in the *same database transaction* as the business: each call inserts a
//! row, and a unique key tells whether it is the first. A compensation also inserts the row of its action; when that
//! succeeds, the action has never been here, and will be turned away if it still comes.
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "postgres"))] mod example {
//! use axum::{Json, Router, extract::State, routing::post};
//! use dtm_barrier::{BranchBarrier, BranchError, BranchResult, Done};
//! use sqlx::PgPool;
//!
//! #[derive(serde::Deserialize)]
//! struct Take { account: String, cents: i64 }
//!
//! async fn take(State(pool): State<PgPool>, mut barrier: BranchBarrier, Json(take): Json<Take>) -> BranchResult {
//!     barrier
//!         .call(&pool, async |connection| {
//!             let taken = sqlx::query("UPDATE account SET cents = cents - $1 WHERE name = $2 AND cents >= $1")
//!                 .bind(take.cents)
//!                 .bind(&take.account)
//!                 .execute(connection)
//!                 .await?; // any error: nothing is kept, the transaction manager asks again later
//!             if taken.rows_affected() == 0 {
//!                 return Err(BranchError::roll_back(format!("{} has too little", take.account)));
//!             }
//!             Ok(())
//!         })
//!         .await?;
//!     Ok(Done)
//! }
//!
//! fn routes(pool: PgPool) -> Router {
//!     Router::new().route("/take", post(take)).with_state(pool)
//! }
//! # }
//! ```
//!
//! | to do | look at |
//! |---|---|
//! | say what a call has come to | [`BranchResult`], [`BranchError`], [`Done`] |
//! | know who is calling | [`BranchContext`], [`BranchOp`], [`NotABranchCall`] |
//! | be safe against repeated, late and early calls | [`BranchBarrier`] |
//! | make the table | `sql::create_table`, or the files in `src/schema` |
//! | be a branch of XA | `BranchBarrier::xa_prepare`, `BranchBarrier::xa_finish` |
//! | change an amount in Redis | `BranchBarrier::redis_adjust` |
//! | do business in a transaction of MongoDB | `BranchBarrier::mongo_call` |
//! | answer a back-check of a message | `BranchBarrier::query_prepared` |
//!
//! The tables are those of DTM's other SDKs, so that branches in several languages may share a database.

#[cfg_attr(
    not(any(test, feature = "_sql", feature = "mongodb", feature = "redis")),
    expect(dead_code, reason = "without a database nobody uses the barrier, and it still says who calls")
)]
mod barrier;
pub mod branch;
#[cfg(any(feature = "_sql", feature = "mongodb"))]
mod entered;
mod entry;
mod error;
#[cfg(feature = "mongodb")]
pub mod mongo;
mod origin;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "_sql", feature = "mongodb"))]
mod row;
#[cfg(feature = "_sql")]
pub mod sql;
#[cfg(any(feature = "_sql", feature = "mongodb"))]
mod table_name;
mod verdict;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub mod xa;

pub use barrier::BranchBarrier;
pub use branch::{BranchContext, BranchError, BranchOp, BranchResult, Done, NotABranchCall, UnknownBranchOp};
pub use dtm_core::model::Mode;
pub use entry::{Called, Entry, Skip};
pub use error::BarrierError;
pub use origin::origin;
pub use verdict::{OwnRow, Verdict, verdict};
