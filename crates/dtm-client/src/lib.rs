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
//! Beside sagas there are [`GlobalTcc`], [`GlobalXa`] and [`Message`], and `dtm-workflow` for functions that
//! are replayed. All of them work the same over HTTP, JSON-RPC and (feature `grpc`) gRPC.
//!
//! | to do | look at |
//! |---|---|
//! | connect, ask for a status, wait for the end | [`Client`], [`ClientBuilder`], [`Retry`] |
//! | build and submit a saga | [`Saga`], [`Step`], [`Receipt`] |
//! | reserve everywhere, then confirm | [`GlobalTcc`], [`Tcc`], [`TccBranch`] |
//! | send something if a local transaction commits | [`Message`], [`Fate`] |
//! | several databases with XA | [`GlobalXa`], [`Xa`] |
//! | what branches are called with, and say | [`Payload`], [`IntoPayload`], [`Reply`], [`CallError`] |
//! | know what became of it | [`Error`], [`Transaction`], [`Branch`], [`Status`] |
//! | be a branch of XA (features `mysql`, `postgres`) | `Client::xa_local_transaction`, `Client::xa_recover` |
//! | answer as a branch | [`branch`], [`BranchBarrier`] |
//! | build an engine of workflows | [`workflow`] |
//! | a coordinator without a server, inside your application | [`in_process`] |
//!
//! | feature | for |
//! |---|---|
//! | `grpc` | [`Client`] over gRPC, with tonic |
//! | `axum` | answering as a branch with axum |
//! | `mysql`, `postgres`, `sqlite` | messages and barriers in a database, with sqlx |

mod builder;
mod client;
mod error;
mod gid;
pub mod in_process;
mod message;
mod options;
mod payload;
mod protocol;
mod query;
mod receipt;
mod reply;
mod retry;
mod saga;
mod scope;
mod settle;
mod step;
mod tcc;
mod two_phase;
mod wait;
pub mod workflow;
mod xa;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod xa_db;

pub use builder::ClientBuilder;
pub use client::Client;
pub use dtm_barrier::{BranchBarrier, branch};
pub use dtm_core::model::{BranchStatus, Mode, Op, Status};
pub use error::{Error, Fate};
pub use message::Message;
pub use payload::{IntoPayload, Payload};
pub use query::{Branch, Transaction};
pub use receipt::Receipt;
pub use reply::{CallError, Reply};
pub use retry::Retry;
pub use saga::Saga;
pub use step::Step;
pub use tcc::{GlobalTcc, Tcc, TccBranch};
pub use xa::{GlobalXa, Xa};
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use xa_db::{Recovered, XaRecovery};
