//! Client of the transaction manager: build a saga, submit it, and know what became of it.
//!
//! A *saga* is a list of steps. Each step has an action and a compensation, both URLs of your services. The
//! server calls the actions in order; when one says "no", it calls the compensations in reverse. A step that
//! does not answer is asked again, for as long as it takes: a time-out is never a failure.
//!
//! ```no_run
//! use dtm_client::{Client, Step};
//!
//! #[derive(serde::Serialize)]
//! struct Transfer { account: &'static str, cents: u64 }
//!
//! # async fn example() -> Result<(), dtm_client::Error> {
//! let client = Client::http("http://localhost:36789/api/dtmsvr")?;
//! let transfer = client
//!     .saga("order-1001")
//!     .step(Step::new("http://bank-a/take", "http://bank-a/take-undo").payload(&Transfer { account: "alice", cents: 3_000 })?)
//!     .step(Step::new("http://bank-b/give", "http://bank-b/give-undo").payload(&Transfer { account: "bob", cents: 3_000 })?)
//!     .wait_result();
//! match transfer.submit().await {
//!     Ok(receipt) => println!("{} is {}", receipt.gid, receipt.status),
//!     Err(dtm_client::Error::RolledBack { reason, .. }) => println!("undone everywhere: {reason}"),
//!     Err(other) => return Err(other),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | to do | look at |
//! |---|---|
//! | connect, ask for a status | [`Client`], [`ClientBuilder`], [`Retry`] |
//! | build and submit a saga | [`Saga`], [`Step`], [`Receipt`] |
//! | know what became of it | [`Error`], [`Transaction`], [`Branch`], [`Status`] |
//! | answer as a branch (feature `axum` for handlers) | [`branch::BranchResult`], [`branch::BranchError`], [`branch::BranchContext`] |

mod builder;
mod client;
mod error;
mod protocol;
mod query;
mod retry;
mod saga;
mod settle;
mod step;

pub use builder::ClientBuilder;
pub use client::Client;
pub use dtm_barrier::branch;
pub use dtm_core::model::{BranchStatus, Mode, Op, Status};
pub use error::Error;
pub use query::{Branch, Transaction};
pub use retry::Retry;
pub use saga::{Receipt, Saga};
pub use step::Step;
