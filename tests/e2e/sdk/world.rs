//! A server, branches and a client that speak one protocol.

use std::time::Duration;

use dtm_client::{Client, ClientBuilder, Retry};
use serde_json::Value;
use tonic::Code;

use crate::harness::{Branches, GrpcBranches, GrpcReply, Reply, Server, Settings};

/// The protocol of the client, and of its branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    JsonRpc,
    Grpc,
}

pub(super) const ALL: [Protocol; 3] = [Protocol::Http, Protocol::JsonRpc, Protocol::Grpc];

/// What a branch answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    Done,
    No,
    Ongoing,
    Broken,
    Nothing,
}

/// What a branch has been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) gid: String,
    pub(super) branch_id: String,
    pub(super) op: String,
    pub(super) dtm: String,
}

/// All of them together.
pub(super) struct World {
    pub(super) protocol: Protocol,
    pub(super) server: Server,
    pub(super) http: Branches,
    pub(super) grpc: GrpcBranches,
}

impl World {
    pub(super) async fn start(protocol: Protocol) -> Self {
        Self::with(protocol, Settings::default()).await
    }

    pub(super) async fn with(protocol: Protocol, settings: Settings) -> Self {
        let (server, http, grpc) = tokio::join!(settings.start(), Branches::start(), GrpcBranches::start());
        Self { protocol, server, http, grpc }
    }

    /// A client with short pauses.
    pub(super) fn client(&self) -> Client {
        self.builder().build().expect("the settings can be used")
    }

    pub(super) fn builder(&self) -> ClientBuilder {
        builder(self.protocol, self.server.port(), self.server.grpc_port())
    }

    /// The URL of a branch.
    pub(super) fn url(&self, name: &str) -> String {
        match self.protocol {
            Protocol::Http => self.http.url(&format!("/{name}")),
            Protocol::JsonRpc => self.http.url(&format!("/{name}?method={name}")),
            Protocol::Grpc => self.grpc.url(name),
        }
    }

    /// The n-th call of a branch gets the n-th answer; the last one is repeated.
    pub(super) fn on(&self, name: &str, says: impl IntoIterator<Item = Says>) {
        let says: Vec<Says> = says.into_iter().collect();
        let path = format!("/{name}");
        self.http.on(
            &path,
            says.iter().map(|says| match says {
                Says::Done => Reply::ok(),
                Says::No => Reply::failure(),
                Says::Ongoing => Reply::ongoing(),
                Says::Broken => Reply::error(),
                Says::Nothing => Reply::Hang,
            }),
        );
        self.grpc.on(
            name,
            says.iter().map(|says| match says {
                Says::Done => GrpcReply::ok(),
                Says::No => GrpcReply::of(Code::Aborted, "no stock"),
                Says::Ongoing => GrpcReply::of(Code::FailedPrecondition, "ONGOING"),
                Says::Broken => GrpcReply::of(Code::Internal, "the branch is broken"),
                Says::Nothing => GrpcReply::Hang,
            }),
        );
    }

    /// The branches that were called, in the order of arrival.
    pub(super) fn called(&self) -> Vec<String> {
        match self.protocol {
            Protocol::Grpc => self.grpc.methods(),
            _ => self.http.paths().into_iter().map(|path| path.trim_start_matches('/').to_owned()).collect(),
        }
    }

    /// What each call of a branch has said about itself.
    pub(super) fn seen(&self, name: &str) -> Vec<Seen> {
        match self.protocol {
            Protocol::Http => {
                let calls = self.http.calls_of(&format!("/{name}"));
                calls.iter().map(|call| seen(|field| call.parameter(field))).collect()
            }
            Protocol::JsonRpc => {
                let calls = self.http.calls_of(&format!("/{name}"));
                let params = calls.iter().map(|call| {
                    let body: Value = serde_json::from_slice(&call.body).expect("a call is JSON");
                    body["params"].clone()
                });
                params
                    .map(|params| seen(|field| params[field].as_str().unwrap_or_default().to_owned()))
                    .collect()
            }
            Protocol::Grpc => {
                let calls = self.grpc.calls_of(name);
                calls
                    .iter()
                    .map(|call| seen(|field| call.header(&format!("dtm-{field}")).to_owned()))
                    .collect()
            }
        }
    }

    /// The payload of the first call of a branch, as JSON.
    pub(super) fn payload(&self, name: &str) -> Value {
        let bytes = match self.protocol {
            Protocol::Grpc => self.grpc.calls_of(name)[0].message.clone(),
            _ => self.http.calls_of(&format!("/{name}"))[0].body.clone(),
        };
        let value: Value = serde_json::from_slice(&bytes).expect("a payload is JSON here");
        if self.protocol == Protocol::JsonRpc { value["params"].clone() } else { value }
    }

    /// How often a branch was called.
    pub(super) fn count(&self, name: &str) -> usize {
        self.called().iter().filter(|called| *called == name).count()
    }

    /// Waits for the n-th call of a branch.
    pub(super) async fn wait_for(&self, name: &str, count: usize) {
        match self.protocol {
            Protocol::Grpc => self.grpc.wait_for(name, count).await,
            _ => self.http.wait_for(&format!("/{name}"), count).await,
        }
    }
}

/// A client of a server at these ports, with short pauses.
pub(super) fn builder(protocol: Protocol, http_port: u16, grpc_port: u16) -> ClientBuilder {
    let http = format!("http://127.0.0.1:{http_port}");
    let builder = match protocol {
        Protocol::Http => Client::builder(&http),
        Protocol::JsonRpc => Client::json_rpc_builder(&http),
        Protocol::Grpc => Client::grpc_builder(&format!("127.0.0.1:{grpc_port}")).query_address(&http),
    };
    let pauses = (Duration::from_millis(10), Duration::from_millis(100));
    builder.retry(Retry::default().pause(pauses.0, pauses.1))
}

fn seen(field: impl Fn(&str) -> String) -> Seen {
    Seen { gid: field("gid"), branch_id: field("branch_id"), op: field("op"), dtm: field("dtm") }
}
