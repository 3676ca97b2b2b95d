//! What the server can be asked, whatever the protocol.

use std::fmt;
use std::time::Duration;

use dtm_core::model::{Mode, Protocol, Registration};
use dtm_proto::http::register_body;
use dtm_proto::jsonrpc::Method;

#[cfg(feature = "grpc")]
use super::grpc::{Branches, Grpc, Target};
use super::http_call;
use super::http_call::Dialect;
#[cfg(feature = "grpc")]
use super::http_call::is_http;
use super::json_rpc::Called as Replied;
use super::{Address, Answer, BranchCall, Called, Http, InProcess, NewGid, Patience, Request, Verb, Verdict};
use crate::workflow::Stored;
use crate::{Error, query};

/// The server, and the way to it.
pub(crate) struct Server {
    pub(crate) api: Api,
    /// For calls to branches over HTTP.
    pub(crate) branches: reqwest::Client,
    /// How long a branch may take that has no time-out of its own.
    pub(crate) branch_timeout: Duration,
    #[cfg(feature = "grpc")]
    pub(crate) grpc_branches: Branches,
}

/// The API that is used.
#[derive(Debug)]
pub(crate) enum Api {
    Http(Http),
    JsonRpc(Http),
    #[cfg(feature = "grpc")]
    Grpc(Grpc),
    InProcess(InProcess),
}

/// An answer with a value, or another one.
#[derive(Debug)]
pub(crate) enum Answered<T> {
    Value(T),
    Not(Verdict),
}

impl<T> From<Answered<T>> for Verdict {
    fn from(answered: Answered<T>) -> Self {
        match answered {
            Answered::Value(_) => Self::Accepted,
            Answered::Not(verdict) => verdict,
        }
    }
}

impl Server {
    /// A gid as it was answered, unchecked.
    pub(crate) async fn new_gid(&self) -> Result<String, Error> {
        let request = "newGid";
        let answered = match &self.api {
            Api::Http(http) => {
                let body = http.ask(request, "newGid", &[]).await?;
                return match serde_json::from_slice::<NewGid>(&body) {
                    Ok(NewGid { gid }) => Ok(gid),
                    Err(error) => Err(unreadable(request, error)),
                };
            }
            Api::JsonRpc(http) => match http.call(Method::NewGid, b"{}", Patience::Usual).await {
                Ok(Replied::Done { gid }) => Ok(Answered::Value(gid)),
                Ok(Replied::Not(verdict)) => Ok(Answered::Not(verdict)),
                Err(cause) => Err(cause),
            },
            #[cfg(feature = "grpc")]
            Api::Grpc(grpc) => grpc.new_gid().await,
            Api::InProcess(here) => return Ok(here.coordinator.new_gid()),
        };
        value(request, answered)
    }

    /// Prepares, submits or aborts.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what this protocol cannot carry. Nothing was sent.
    pub(crate) async fn transaction(&self, verb: Verb, request: &Request<'_>) -> Result<Verdict, Error> {
        let answer = match &self.api {
            Api::Http(http) => {
                let body = request.encode(Protocol::Http)?;
                let url = |address: &Address| address.request(verb.as_str());
                let answer = http.post(url, &body, request.patience(verb)).await;
                answer.map(|answer| answer.verdict())
            }
            Api::JsonRpc(http) => {
                let method = match verb {
                    Verb::Prepare => Method::Prepare,
                    Verb::Submit => Method::Submit,
                    Verb::Abort => Method::Abort,
                };
                // A workflow has no branches that the server calls over JSON-RPC.
                let is_workflow = request.mode == Mode::Workflow;
                let protocol = if is_workflow { Protocol::Http } else { Protocol::JsonRpc };
                let body = request.encode(protocol)?;
                http.call(method, &body, request.patience(verb)).await.map(Verdict::from)
            }
            #[cfg(feature = "grpc")]
            Api::Grpc(grpc) => grpc.transaction(verb, request).await?,
            Api::InProcess(coordinator) => return Ok(coordinator.transaction(verb, request).await),
        };
        Ok(answer.unwrap_or_else(|cause| Verdict::Unclear { cause }))
    }

    /// Registers a branch.
    pub(crate) async fn register(&self, gid: &str, registration: &Registration) -> Verdict {
        let answer = match &self.api {
            Api::Http(http) => {
                let url = |address: &Address| address.request("registerBranch");
                let body = register_body(gid, registration);
                http.post(url, &body, Patience::Usual).await.map(|answer| answer.verdict())
            }
            Api::JsonRpc(http) => {
                let body = register_body(gid, registration);
                http.call(Method::RegisterBranch, &body, Patience::Usual).await.map(Verdict::from)
            }
            #[cfg(feature = "grpc")]
            Api::Grpc(grpc) => grpc.register(gid, registration).await,
            Api::InProcess(coordinator) => return coordinator.register(gid, registration).await,
        };
        answer.unwrap_or_else(|cause| Verdict::Unclear { cause })
    }

    /// Prepares a workflow, or finds it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what this protocol cannot carry. Nothing was sent.
    pub(crate) async fn prepare_workflow(&self, request: &Request<'_>) -> Result<Answered<Stored>, Error> {
        let http = match &self.api {
            Api::Http(http) | Api::JsonRpc(http) => http,
            #[cfg(feature = "grpc")]
            Api::Grpc(grpc) => {
                return Ok(match grpc.prepare_workflow(request).await? {
                    Ok(Answered::Value(reply)) => Stored::from_message(reply).into(),
                    Ok(Answered::Not(verdict)) => Answered::Not(verdict),
                    Err(cause) => Answered::Not(Verdict::Unclear { cause }),
                });
            }
            Api::InProcess(coordinator) => return Ok(coordinator.prepare_workflow(request).await),
        };
        let body = request.encode(Protocol::Http)?;
        let url = |address: &Address| address.request("prepareWorkflow");
        Ok(match http.post(url, &body, Patience::Usual).await {
            Ok(Answer { code: 200, body }) => Stored::from_body(&body).into(),
            Ok(answer) => Answered::Not(answer.verdict()),
            Err(cause) => Answered::Not(Verdict::Unclear { cause }),
        })
    }

    /// A transaction as the server shows it.
    pub(crate) async fn query(&self, gid: &str) -> Result<Option<crate::Transaction>, Error> {
        let http = match &self.api {
            Api::Http(http) | Api::JsonRpc(http) => http,
            #[cfg(feature = "grpc")]
            Api::Grpc(grpc) => grpc.http.as_ref().ok_or_else(|| {
                let reason = "the gRPC API cannot be asked about a transaction: name the HTTP address too, with ClientBuilder::query_address";
                Error::invalid("query", reason)
            })?,
            Api::InProcess(coordinator) => return coordinator.query(gid).await,
        };
        let request = format!("query of {gid}");
        let body = http.ask(&request, "query", &[("gid", gid)]).await?;
        query::read(&body).map_err(|cause| unreadable(&request, cause))
    }

    /// Whether a branch can be called by this client, before anything is sent.
    pub(crate) fn check_branch(&self, url: &str) -> Result<(), Error> {
        match &self.api {
            #[cfg(feature = "grpc")]
            Api::Grpc(_) if !is_http(url) => Target::parse(url).map(drop),
            #[cfg(feature = "grpc")]
            Api::Grpc(_) => http_call::parse(url).map(drop),
            Api::InProcess(coordinator) if coordinator.has_branch(url)? => Ok(()),
            Api::Http(_) | Api::JsonRpc(_) | Api::InProcess(_) => http_call::parse(url).map(drop),
        }
    }

    /// Calls a branch.
    ///
    /// # Errors
    /// [`Error::Invalid`] when something cannot be sent. Nothing was sent.
    pub(crate) async fn call(&self, call: &BranchCall<'_>) -> Result<Called, Error> {
        let (dtm, timeout) = (self.shown(), call.timeout(self.branch_timeout));
        let dialect = match &self.api {
            #[cfg(feature = "grpc")]
            Api::Grpc(_) if !is_http(call.url) => {
                let target = Target::parse(call.url)?;
                return self.grpc_branches.call(&target, call, &dtm, timeout).await;
            }
            Api::InProcess(coordinator) if coordinator.has_branch(call.url)? => {
                return Ok(coordinator.call(call, timeout).await);
            }
            Api::JsonRpc(_) if call.url.contains("method") => Dialect::JsonRpc,
            _ => Dialect::Http,
        };
        let url = http_call::parse(call.url)?;
        http_call::call(&self.branches, url, dialect, call, &dtm, timeout).await
    }

    /// The server's address as branches are told it; empty when it has none.
    fn shown(&self) -> String {
        match &self.api {
            Api::Http(http) => http.route.addresses().first().map_or_else(String::new, Address::shown),
            Api::JsonRpc(http) => http
                .route
                .addresses()
                .first()
                .map_or_else(String::new, |address| super::address::shown(&address.json_rpc)),
            #[cfg(feature = "grpc")]
            Api::Grpc(grpc) => {
                grpc.route.addresses().first().map_or_else(String::new, |node| node.shown().to_owned())
            }
            Api::InProcess(_) => String::new(),
        }
    }
}

/// Leaves the HTTP client out: it may have headers that are secret.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.api.fmt(f)
    }
}

pub(super) fn value<T>(request: &str, answered: Result<Answered<T>, String>) -> Result<T, Error> {
    let request = request.to_owned();
    match answered {
        Ok(Answered::Value(value)) => Ok(value),
        Ok(Answered::Not(Verdict::Refused { code, message } | Verdict::Conflict { code, message })) => {
            Err(Error::Refused { request, code, message })
        }
        Ok(Answered::Not(Verdict::Unclear { cause })) | Err(cause) => Err(Error::NoAnswer { request, cause }),
        Ok(Answered::Not(Verdict::Accepted | Verdict::Stands { .. })) => {
            Err(Error::NoAnswer { request, cause: "an answer to another question".to_owned() })
        }
    }
}

pub(crate) fn unreadable(request: &str, error: impl fmt::Display) -> Error {
    Error::NoAnswer { request: request.to_owned(), cause: format!("unreadable answer: {error}") }
}
