//! The exchanges over gRPC: the generated service on hyper's HTTP/2 server for requests, one HTTP/2 connection
//! for branches.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use dtm_proto::grpc::dtmgimp::dtm_server::{Dtm, DtmServer};
use dtm_proto::grpc::dtmgimp::{
    DtmBranchRequest, DtmGidReply, DtmProgressesReply, DtmRequest, DtmTopicRequest,
};
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

use super::prepared::{Call, Prepared, Task, listed};
use crate::load::H2Connection;

#[derive(Default)]
struct Floor {
    prepared: Prepared,
    branches: Arc<OnceCell<H2Connection>>,
}

pub(super) async fn serve(listener: TcpListener) -> crate::Result {
    let service = DtmServer::new(Floor::default());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let serving =
                http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
            serving.await.ok(); // how a connection ends is the client's business
        });
    }
}

type Answer<T> = Result<tonic::Response<T>, Status>;

#[tonic::async_trait]
impl Dtm for Floor {
    async fn prepare(&self, request: tonic::Request<DtmRequest>) -> Answer<()> {
        self.prepared.prepare(task(request.into_inner())?);
        Ok(tonic::Response::new(()))
    }

    async fn register_branch(&self, request: tonic::Request<DtmBranchRequest>) -> Answer<()> {
        let DtmBranchRequest { gid, branch_id, mut data, busi_payload, .. } = request.into_inner();
        let url = data.remove("confirm").ok_or_else(|| Status::invalid_argument("no confirm"))?;
        self.prepared.register(&gid, Call { branch_id, url, payload: busi_payload.into() });
        Ok(tonic::Response::new(()))
    }

    async fn submit(&self, request: tonic::Request<DtmRequest>) -> Answer<()> {
        let task = self.prepared.submit(task(request.into_inner())?);
        tokio::spawn(run(Arc::clone(&self.branches), task));
        Ok(tonic::Response::new(()))
    }

    async fn new_gid(&self, _: tonic::Request<()>) -> Answer<DtmGidReply> {
        Err(not_here())
    }

    async fn abort(&self, _: tonic::Request<DtmRequest>) -> Answer<()> {
        Err(not_here())
    }

    async fn prepare_workflow(&self, _: tonic::Request<DtmRequest>) -> Answer<DtmProgressesReply> {
        Err(not_here())
    }

    async fn subscribe(&self, _: tonic::Request<DtmTopicRequest>) -> Answer<()> {
        Err(not_here())
    }

    async fn unsubscribe(&self, _: tonic::Request<DtmTopicRequest>) -> Answer<()> {
        Err(not_here())
    }

    async fn delete_topic(&self, _: tonic::Request<DtmTopicRequest>) -> Answer<()> {
        Err(not_here())
    }
}

fn not_here() -> Status {
    Status::unimplemented("the floor only does what a load needs")
}

#[derive(Deserialize)]
struct Step {
    action: String,
}

fn task(request: DtmRequest) -> Result<Task, Status> {
    let DtmRequest { gid, trans_type, steps, bin_payloads, .. } = request;
    let steps: Vec<Step> = match steps.as_str() {
        "" => Vec::new(),
        steps => serde_json::from_str(steps).map_err(|error| Status::invalid_argument(error.to_string()))?,
    };
    let urls = steps.into_iter().map(|step| step.action);
    Ok(Task { gid, trans_type, calls: listed(urls.zip(bin_payloads.into_iter().map(Bytes::from))) })
}

async fn run(branches: Arc<OnceCell<H2Connection>>, task: Task) {
    let op = task.op();
    let Task { gid, trans_type, calls } = task;
    for Call { branch_id, url, payload } in calls {
        let metadata = [
            ("dtm-gid", gid.as_str()),
            ("dtm-trans_type", &trans_type),
            ("dtm-branch_id", &branch_id),
            ("dtm-op", op),
            ("dtm-dtm", ""),
            ("grpc-timeout", "3S"),
        ];
        if let Err(error) = call(&branches, &url, &metadata, &payload).await {
            eprintln!("{url}: {error}"); // the load generator sees that a call is missing
            return;
        }
    }
}

async fn call(
    branches: &OnceCell<H2Connection>,
    url: &str,
    metadata: &[(&'static str, &str)],
    payload: &[u8],
) -> crate::Result {
    let (authority, _) = url.split_once('/').ok_or("a URL has a method")?;
    let address = authority.parse()?;
    let mut connection = branches.get_or_try_init(|| H2Connection::open(address)).await?.clone();
    let mut message = BytesMut::with_capacity(5 + payload.len());
    message.put_u8(0);
    message.put_u32(u32::try_from(payload.len())?);
    message.put_slice(payload);
    let mut request = Request::post(format!("http://{url}")).body(Body::new(Full::new(message.freeze())))?;
    let grpc = HeaderValue::from_static("application/grpc");
    request.headers_mut().insert(header::CONTENT_TYPE, grpc);
    for (name, value) in metadata {
        request.headers_mut().insert(*name, HeaderValue::from_str(value)?);
    }
    let answer = connection.call(request).await?.into_body().collect().await?;
    let status = answer.trailers().and_then(|trailers| trailers.get("grpc-status"));
    match status {
        Some(status) if status == "0" => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}
