//! A client that speaks gRPC.

use std::net::SocketAddr;
use std::sync::Arc;

use dtm_proto::grpc::dtmgimp::dtm_client::DtmClient;
use dtm_proto::grpc::dtmgimp::{DtmBranchRequest, DtmRequest};
use serde_json::{Value, json};

use super::mode::PAYLOAD;
use super::{H2Connection, Mode, Verb};

/// What every transaction of a load sends; only the gid differs.
pub(crate) type GrpcRequests = Arc<[GrpcRequest]>;

/// One request without its gid.
#[derive(Debug, Clone)]
pub(crate) enum GrpcRequest {
    Prepare(DtmRequest),
    Register(DtmBranchRequest),
    Submit(DtmRequest),
}

/// A client with a connection of its own.
pub(crate) struct GrpcClient {
    client: DtmClient<H2Connection>,
    requests: GrpcRequests,
}

impl GrpcClient {
    pub(crate) async fn open(server: SocketAddr, requests: GrpcRequests) -> crate::Result<Self> {
        let connection = H2Connection::open(server).await?;
        let client = DtmClient::with_origin(connection, format!("http://{server}").parse()?);
        Ok(Self { client, requests })
    }

    /// Sends everything that a transaction consists of, one after the other.
    pub(crate) async fn run(&mut self, gid: &str) -> crate::Result {
        for request in self.requests.iter() {
            match request.clone() {
                GrpcRequest::Prepare(mut request) => {
                    gid.clone_into(&mut request.gid);
                    self.client.prepare(request).await?;
                }
                GrpcRequest::Register(mut request) => {
                    gid.clone_into(&mut request.gid);
                    self.client.register_branch(request).await?;
                }
                GrpcRequest::Submit(mut request) => {
                    gid.clone_into(&mut request.gid);
                    self.client.submit(request).await?;
                }
            }
        }
        Ok(())
    }
}

/// The requests of a transaction whose branches are at `branches`.
pub(crate) fn grpc_requests(mode: Mode, steps: u32, branches: SocketAddr) -> GrpcRequests {
    let request = |verb| match verb {
        Verb::Prepare => GrpcRequest::Prepare(transaction(mode, steps, branches)),
        Verb::Submit => GrpcRequest::Submit(transaction(mode, steps, branches)),
        Verb::Register(branch) => GrpcRequest::Register(registration(branch, branches)),
    };
    mode.verbs(steps).into_iter().map(request).collect()
}

fn transaction(mode: Mode, steps: u32, branches: SocketAddr) -> DtmRequest {
    let mut request = DtmRequest { trans_type: mode.name().to_owned(), ..DtmRequest::default() };
    if !mode.lists_steps() {
        return request;
    }
    let step = |step| {
        let mut listed = json!({"action": format!("{branches}/bench.Branch/a{step}")});
        if mode == Mode::Saga {
            listed["compensate"] = format!("{branches}/bench.Branch/c{step}").into();
        }
        listed
    };
    request.steps = (0..steps).map(step).collect::<Value>().to_string();
    request.bin_payloads = (0..steps).map(|_| PAYLOAD.as_bytes().to_vec()).collect();
    if mode == Mode::Message {
        request.query_prepared = format!("{branches}/bench.Branch/c0");
    }
    request
}

fn registration(branch: u32, branches: SocketAddr) -> DtmBranchRequest {
    let url = |name| format!("{branches}/bench.Branch/{name}{branch}");
    DtmBranchRequest {
        trans_type: Mode::Tcc.name().to_owned(),
        branch_id: format!("{:02}", branch + 1),
        data: [("confirm".to_owned(), url("a")), ("cancel".to_owned(), url("c"))].into(),
        busi_payload: PAYLOAD.as_bytes().to_vec(),
        ..DtmBranchRequest::default()
    }
}
