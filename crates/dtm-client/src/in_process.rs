//! A server without a wire: what a coordinator in this process has to be able to do for a [`Client`].
//!
//! `dtm_server::embedded` is one, and its `client()` gives the client; nobody else has to look at this. What a
//! coordinator declines is told as over the wire, and read by the same code: so every builder, and every
//! error, is the same.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dtm_barrier::{BranchContext, BranchResult};
use dtm_core::model;
use dtm_core::model::{Outcome, Payload, Registration, Status};
use dtm_proto::http::TransactionRequest;

use crate::builder::Protocol;
use crate::{Client, ClientBuilder, Error};

/// A coordinator in this process.
///
/// What is accepted is durable, as over the wire. A future that is dropped leaves a request carried out or not.
#[async_trait]
pub trait Coordinator: fmt::Debug + Send + Sync {
    /// A name that nobody else has.
    fn new_gid(&self) -> String;

    /// Stores a prepared transaction.
    ///
    /// # Errors
    /// [`Declined`] saying why not.
    async fn prepare(&self, request: TransactionRequest) -> Result<(), Declined>;

    /// Stores a transaction, or the decision about a prepared one, and starts it.
    ///
    /// # Errors
    /// [`Declined`] saying why not, or how it ended when the request waits for the result.
    async fn submit(&self, request: TransactionRequest) -> Result<(), Declined>;

    /// Rolls a prepared transaction back.
    ///
    /// # Errors
    /// [`Declined`] saying why not.
    async fn abort(&self, request: TransactionRequest) -> Result<(), Declined>;

    /// Registers a branch.
    ///
    /// # Errors
    /// [`Declined`] saying why not.
    async fn register(&self, gid: &str, registration: &Registration) -> Result<(), Declined>;

    /// Prepares a workflow, or finds it, and tells where it stands.
    ///
    /// # Errors
    /// [`Declined`] saying why not.
    async fn prepare_workflow(&self, request: TransactionRequest) -> Result<model::Transaction, Declined>;

    /// What is stored about a transaction.
    ///
    /// # Errors
    /// [`Declined`] saying why it cannot be told.
    async fn query(&self, gid: &str) -> Result<Option<model::Transaction>, Declined>;

    /// Whether the branch at `url` is one of this process; `None` when the URL is of another kind.
    ///
    /// # Errors
    /// The text says which branches there are.
    fn check_branch(&self, url: &str) -> Option<Result<(), String>>;

    /// Calls a branch of this process, once. It never takes longer than `limit`, and what is not known is
    /// never a failure.
    async fn call(&self, url: &str, context: BranchContext, payload: Payload, limit: Duration) -> Outcome;
}

/// Goes on with workflows when a coordinator in this process says so; `dtm_workflow::Workflows` is one.
#[async_trait]
pub trait WorkflowCallback: Send + Sync {
    /// Executes the workflow `gid` with the function `name`, or says that it is being executed. When the future
    /// is dropped, because it takes longer than the coordinator waits, the execution goes on.
    ///
    /// # Errors
    /// As for any branch: what is not [`BranchError::RollBack`](crate::branch::BranchError::RollBack) is asked
    /// for again.
    async fn resume(&self, name: &str, gid: &str, input: Vec<u8>) -> BranchResult;
}

/// Why a coordinator did not do what it was asked to, or how a transaction ended that was waited for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Declined {
    /// The HTTP status that stands for it: 409 for what is final, 425 for what has not ended, 400 and 413 for a
    /// request that cannot be used, 500 for whatever leaves open whether it was done.
    pub code: u16,
    /// What is wrong, and what to do.
    pub message: String,
    /// Where the transaction stands, when that was waited for.
    pub status: Option<Status>,
}

impl Client {
    /// A client of a coordinator in this process, with default settings. No connection is made: only branches
    /// whose URL begins with `http://` or `https://` are called over the network.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the HTTP client for those branches cannot be made.
    pub fn in_process(coordinator: Arc<dyn Coordinator>) -> Result<Self, Error> {
        Self::in_process_builder(coordinator).build()
    }

    /// As [`in_process`](Self::in_process), with settings of your own. Those of a connection (addresses,
    /// headers, ...) are refused.
    pub fn in_process_builder(coordinator: Arc<dyn Coordinator>) -> ClientBuilder {
        ClientBuilder::of(Protocol::InProcess(coordinator), Vec::new())
    }
}
