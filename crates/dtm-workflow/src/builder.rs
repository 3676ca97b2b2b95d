//! How the workflows of a process are set up.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dtm_barrier::BranchError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::handler::Handler;
use crate::options::Options;
use crate::server::Server;
use crate::{Error, Workflow, Workflows};

/// The workflows of a process, before it is at work. See [`Workflows`].
#[must_use = "nothing can be executed before `build`"]
pub struct WorkflowsBuilder {
    server: Arc<dyn Server>,
    callback: String,
    handlers: BTreeMap<String, Handler>,
    taken_twice: Option<String>,
    options: Options,
    callbacks_max: usize,
    input_bytes_max: usize,
}

impl WorkflowsBuilder {
    pub(crate) fn new(server: Arc<dyn Server>, callback: String) -> Self {
        Self {
            server,
            callback,
            handlers: BTreeMap::new(),
            taken_twice: None,
            options: Options::default(),
            callbacks_max: 1_000,
            input_bytes_max: 8 << 20,
        }
    }

    /// Registers an async function under a name, which is stored with each of its workflows: keep it.
    ///
    /// The input is JSON on the wire, and has to be written in the same way each time the same workflow is
    /// executed: no `HashMap` in it. No bytes at all, as Go's SDK sends `nil`, are `null`.
    ///
    /// The function returns `Ok` to commit, [`BranchError::RollBack`] to roll back; everything else, any `?`,
    /// means "not yet": it is run again later.
    pub fn register<F, Fut, I, O>(self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(Workflow, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, BranchError>> + Send + 'static,
        I: DeserializeOwned,
        O: Serialize,
    {
        self.with(name.into(), Handler::typed(function))
    }

    /// As [`register`](Self::register), with input and result in bytes as they are: what `Register2` of Go's
    /// SDK gets and returns.
    pub fn register_bytes<F, Fut>(self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(Workflow, Vec<u8>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<u8>, BranchError>> + Send + 'static,
    {
        self.with(name.into(), Handler::bytes(function))
    }

    /// The time until the server first calls back (10 seconds unless its configuration says otherwise), and
    /// between calls while a step is still at it. Rounded up to whole seconds.
    pub const fn retry_interval(mut self, interval: Duration) -> Self {
        self.options.retry_interval = Some(interval);
        self
    }

    /// How long the server waits for the answer to a call (3 seconds unless its configuration says
    /// otherwise). The execution goes on when it is over. Rounded up to whole seconds.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.options.request_timeout = Some(timeout);
        self
    }

    /// Has the server send a header (over gRPC: metadata) with every call: authorization, a tenant. It is
    /// stored with the workflow.
    pub fn callback_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.insert(name.into(), value.into());
        self
    }

    /// How many executions the server may have going at once through the callback, 1,000 unless set. Beyond
    /// that it is told that the workflow is still at it, and calls again after the interval.
    pub fn callbacks_max(self, callbacks_max: usize) -> Self {
        Self { callbacks_max, ..self }
    }

    /// The largest input, in bytes, that the callback takes: 8 MiB unless set.
    pub fn input_bytes_max(self, input_bytes_max: usize) -> Self {
        Self { input_bytes_max, ..self }
    }

    /// The workflows, ready to be executed.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the callback is empty, a name is empty, has a control character or is taken
    /// twice, or a limit is zero.
    pub fn build(self) -> Result<Workflows, Error> {
        let invalid = |field, reason: &str| Err(Error::Invalid { field, reason: reason.to_owned() });
        if self.callback.trim().is_empty() {
            return invalid(
                "callback",
                "it is empty: without it nobody goes on with what a dead process began",
            );
        }
        if let Some(name) = self.taken_twice {
            return invalid("name", &format!("two functions are registered as '{name}'"));
        }
        if self.handlers.keys().any(|name| name.is_empty() || name.contains(char::is_control)) {
            return invalid("name", "it is empty or has a control character");
        }
        for (field, limit) in
            [("callbacks_max", self.callbacks_max), ("input_bytes_max", self.input_bytes_max)]
        {
            if limit == 0 {
                return invalid(field, "it is zero: nothing could go on");
            }
        }
        let limits = Limits { callbacks_max: self.callbacks_max, input_bytes_max: self.input_bytes_max };
        Ok(Workflows::new(self.server, self.callback, self.options, self.handlers, limits))
    }

    fn with(mut self, name: String, handler: Handler) -> Self {
        if self.handlers.insert(name.clone(), handler).is_some() {
            self.taken_twice = Some(name);
        }
        self
    }
}

impl fmt::Debug for WorkflowsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowsBuilder").field("names", &self.handlers.keys()).finish_non_exhaustive()
    }
}

/// What the callback takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) callbacks_max: usize,
    pub(crate) input_bytes_max: usize,
}
