//! Workflows: a distributed transaction written as one async function.
//!
//! A *workflow* is a function whose steps are recorded by the server. When its process dies, the server calls
//! another instance, which runs the function again: what is recorded is replayed, not repeated, and the rest
//! is run. At its end every branch is committed, or undone in reverse order.
//!
//! ```
//! use dtm_workflow::{BranchCalls, BranchError, Workflow};
//!
//! #[derive(serde::Deserialize)]
//! struct Transfer { from: String, to: String, cents: u64 }
//!
//! async fn transfer(wf: Workflow, input: Transfer) -> Result<(), BranchError> {
//!     let http = reqwest::Client::new();
//!     let call = |path: String| http.post(format!("http://bank{path}")).body(input.cents.to_string());
//!     let (take, undo) = (call(format!("/{}/take", input.from)), call(format!("/{}/undo", input.from)));
//!     wf.branch()
//!         .named("take")
//!         .on_rollback(async move |barrier| barrier.send(undo).await)
//!         .send(take) // sent once, its answer is recorded; 409 rolls back, any trouble means "later"
//!         .await?;
//!     wf.branch().named("give").send(call(format!("/{}/give", input.to))).await?;
//!     Ok(())
//! }
//! # let _ = transfer;
//! ```
//!
//! | to do | look at |
//! |---|---|
//! | register functions and execute them | [`Workflows`], [`WorkflowsBuilder`], [`Error`] |
//! | write one | [`Workflow`], [`Branch`] |
//! | call a service, over HTTP or by a generated gRPC client | [`Branch::send`], [`Branch::over`], [`BranchCalls`] |
//! | have a transaction of a database prepared, and finished with the workflow | `Branch::xa` (features `mysql`, `postgres`) |
//! | let the server have a workflow go on | `Workflows::http_callback` (feature `axum`), [`Workflows::grpc_callback`]; in an application with a coordinator inside `workflows` of its builder (`dtm_server::embedded`) |
//!
//! **What is promised.** The effect of a step is *recorded* at most once, whoever executes the workflow and
//! how often; the step itself may be run again when its process died before the record, or when two processes
//! execute the same workflow at once. The second of them stops as soon as it finds the record. So a step has to
//! tolerate repetition, which the barrier that it is handed sees to. Once a rollback has begun no new step is
//! run. A time-out, a panic, or any `?` never rolls back.
//!
//! **What is stored** is what DTM's Go SDK stores: branches `01`, `02`, ... with the operations `action`,
//! `commit` and `rollback`, and `business` for a step of XA. A workflow that a Go process began goes on in a Rust one of the same function, and
//! the other way round; Go's has at most 99 branches. Names of branches are for messages and are not stored.

mod branch;
mod builder;
mod call;
mod callback;
mod client;
mod codec;
mod error;
mod execution;
mod handler;
mod meaning;
mod model;
mod options;
mod running;
mod server;
#[cfg(test)]
mod tests;
mod workflow;
mod workflows;
#[cfg(feature = "_xa")]
mod xa;

pub use branch::Branch;
pub use builder::WorkflowsBuilder;
pub use call::{BranchCalls, BranchChannel, Reply};
pub use callback::GrpcCallback;
pub use dtm_barrier::{BranchBarrier, BranchError};
pub use error::Error;
pub use model::Divergence;
pub use workflow::Workflow;
pub use workflows::Workflows;
