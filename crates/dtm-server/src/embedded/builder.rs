//! How a coordinator inside an application is put together.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;

use super::branch::{made_of, problem_of_name};
use super::{BranchContext, BranchResult, Embedded, StartError};
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
}

impl EmbeddedBuilder {
    pub(super) const fn new(config: Config) -> Self {
        Self { config, branches: Vec::new(), http: false, grpc: false }
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
        let branches = LocalBranches::new(by_name(self.branches)?);
        let http = if self.http { Some(listen(&config, Ingress::Http).await?) } else { None };
        let grpc = if self.grpc { Some(listen(&config, Ingress::Grpc).await?) } else { None };
        let assembly = Assembly::start(&config, branches).await?;
        let http = http.map(|listener| start_http(&config, listener, &assembly)).transpose()?;
        let grpc = grpc.map(|listener| start_grpc(&config, listener, &assembly)).transpose()?;
        Ok(Embedded::new(assembly, http, grpc, config.http.body_bytes_max))
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
