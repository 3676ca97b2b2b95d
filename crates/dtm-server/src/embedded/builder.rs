//! How a coordinator inside an application is put together.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use dtm_client::in_process::WorkflowCallback;
use dtm_client::{Client, ClientBuilder};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::branch::{callback_of, made_of, problem_of_name};
use super::presence::{Handle, Presence, Reach};
use super::{BranchContext, BranchResult, Coordinator, Embedded, StartError};
use crate::assembly::Assembly;
use crate::config::Config;
use crate::listening::{Ingress, listen, start_grpc, start_http};
use crate::transport::{LocalBranch, LocalBranches};

/// A coordinator that is being put together: [`Embedded::builder`].
#[must_use = "nothing runs before `start`"]
pub struct EmbeddedBuilder {
    config: Config,
    branches: Vec<(String, LocalBranch)>,
    http: bool,
    grpc: bool,
    presence: watch::Sender<Presence>,
}

impl EmbeddedBuilder {
    pub(super) fn new(config: Config) -> Self {
        let presence = watch::Sender::new(Presence::NotStarted);
        Self { config, branches: Vec::new(), http: false, grpc: false, presence }
    }

    /// A client of the coordinator that is to be: for branches that start transactions, register branches of their own, or
    /// are branches of XA, and for workflows. Its requests are answered once the coordinator has started. Cheap to
    /// clone; each one that is made here has connections of its own to remote branches.
    ///
    /// # Errors
    /// [`dtm_client::Error::Invalid`] when the HTTP client for remote branches cannot be made.
    pub fn client(&self) -> Result<Client, dtm_client::Error> {
        self.client_builder().build()
    }

    /// As [`client`](Self::client), with settings of your own.
    pub fn client_builder(&self) -> ClientBuilder {
        Handle(self.presence.subscribe()).client_builder()
    }

    /// Registers an async function, or a closure that returns a future, as the branch `name`: transactions call it by the
    /// URL [`local(name)`](super::local). What it gets is the payload of the step, read from JSON (no payload is `null`).
    ///
    /// A name begins with a letter and has letters, digits and `/ . _ -`; `stock/deduct` for example. One function may serve
    /// several operations: `call.op` says which one is asked for.
    pub fn branch<T, F, R>(mut self, name: impl Into<String>, function: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(BranchContext, T) -> R + Send + Sync + 'static,
        R: Future<Output = BranchResult> + Send + 'static,
    {
        self.branches.push((name.into(), made_of(function)));
        self
    }

    /// The same for a function that needs something of the application's, a pool of connections for example: it gets a clone
    /// of `state` as its first argument.
    ///
    /// ```
    /// use dtm_server::config::StoreConfig;
    /// use dtm_server::embedded::{BranchContext, BranchResult, Done, Embedded};
    /// # #[derive(Clone)] struct Pool;
    ///
    /// async fn deduct(pool: Pool, call: BranchContext, count: u32) -> BranchResult {
    ///     # let _ = (pool, call, count);
    ///     Ok(Done)
    /// }
    ///
    /// let pool = Pool;
    /// let builder = Embedded::builder(StoreConfig::sled("./data")).branch_with("stock/deduct", &pool, deduct);
    /// # let _ = builder;
    /// ```
    pub fn branch_with<S, T, F, R>(self, name: impl Into<String>, state: &S, function: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        T: DeserializeOwned,
        F: Fn(S, BranchContext, T) -> R + Send + Sync + 'static,
        R: Future<Output = BranchResult> + Send + 'static,
    {
        let state = state.clone();
        self.branch(name, move |call, payload| function(state.clone(), call, payload))
    }

    /// Has workflows of this application go on here: [`local(name)`](super::local) is the callback that their builder is
    /// given, beside a [`client`](Self::client) of this coordinator.
    ///
    /// ```text
    /// let builder = Embedded::builder(StoreConfig::sled("./data"));
    /// let workflows = Workflows::builder(builder.client()?, local("workflow")).register("order", order).build()?;
    /// let coordinator = builder.workflows("workflow", workflows.clone()).start().await?;
    /// ```
    ///
    /// (`examples/embedded_workflow.rs`.)
    pub fn workflows(mut self, name: impl Into<String>, workflows: impl WorkflowCallback + 'static) -> Self {
        self.branches.push((name.into(), callback_of(Arc::new(workflows))));
        self
    }

    /// Changes settings: intervals, time-outs, the name of this node, ... They are those of the server, with the same
    /// defaults; `log` has no effect, because the application's own subscriber gets what is logged.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Listens for HTTP as well, on `config.http` (127.0.0.1 unless set). Whoever reaches the port can have every registered
    /// branch called.
    pub fn http(mut self, port: u16) -> Self {
        (self.http, self.config.http.port) = (true, port);
        self
    }

    /// Listens for gRPC as well, on the same address as HTTP would.
    pub fn grpc(mut self, port: u16) -> Self {
        (self.grpc, self.config.grpc.port) = (true, port);
        self
    }

    /// Opens the store, takes up what the last start has left, and goes on with it at once: have ready what the branches
    /// need.
    ///
    /// # Errors
    /// [`StartError`] saying what to do. Nothing runs then.
    pub async fn start(self) -> Result<Embedded, StartError> {
        let config = self.config;
        let presence = self.presence;
        presence.send_replace(Presence::Starting);
        let handle = Handle(presence.subscribe());
        let client = handle.client_builder().build();
        let client = client.map_err(|error| StartError::Transport(error.to_string()))?;
        let branches = LocalBranches::new(by_name(self.branches)?);
        let http = if self.http { Some(listen(&config, Ingress::Http).await?) } else { None };
        let grpc = if self.grpc { Some(listen(&config, Ingress::Grpc).await?) } else { None };
        let assembly = Assembly::start(&config, branches.clone()).await?;
        let reach =
            Reach { api: assembly.api.clone(), local: branches, bytes_max: config.http.body_bytes_max };
        let http = http.map(|listener| start_http(&config, listener, &assembly)).transpose()?;
        let grpc = grpc.map(|listener| start_grpc(&config, listener, &assembly)).transpose()?;
        let coordinator = Coordinator::new(assembly.api.clone(), handle, client);
        presence.send_replace(Presence::Running(reach));
        Ok(Embedded::new(assembly, http, grpc, coordinator, presence))
    }
}

fn by_name(branches: Vec<(String, LocalBranch)>) -> Result<BTreeMap<String, LocalBranch>, StartError> {
    let mut by_name = BTreeMap::new();
    for (name, branch) in branches {
        let taken = by_name.contains_key(&name).then_some("its name is registered twice");
        if let Some(problem) = taken.or_else(|| problem_of_name(&name)) {
            return Err(StartError::LocalBranch { name, problem });
        }
        by_name.insert(name, branch);
    }
    Ok(by_name)
}

impl fmt::Debug for EmbeddedBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.branches.iter().map(|(name, _)| name).collect();
        f.debug_struct("EmbeddedBuilder").field("branches", &names).finish_non_exhaustive()
    }
}
