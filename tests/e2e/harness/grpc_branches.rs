//! The scripted branch service over gRPC, on tonic: records every call, answers by method and by the number of
//! the call.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::codegen::Service;
use tonic::{Code, Request, Response, Status};

use super::raw_codec::RawCodec;
use super::{Gate, PATIENCE};

/// A gRPC service of branches, `busi.Busi`. A method without a script answers with status OK.
#[derive(Clone)]
pub(crate) struct GrpcBranches {
    address: SocketAddr,
    state: Arc<State>,
}

/// What a branch says.
#[derive(Debug, Clone)]
pub(crate) enum GrpcReply {
    Status(Code, String),
    /// Held back until the gate opens.
    Held(Gate, Code, String),
    /// No answer, ever.
    Hang,
}

/// One call that arrived.
#[derive(Debug, Clone)]
pub(crate) struct GrpcCall {
    /// Without the name of the service.
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// Without the framing of gRPC.
    pub(crate) message: Bytes,
}

#[derive(Default)]
struct State {
    calls: Mutex<Vec<GrpcCall>>,
    scripts: Mutex<HashMap<String, (Vec<GrpcReply>, usize)>>,
    arrived: watch::Sender<usize>,
}

impl GrpcReply {
    pub(crate) fn ok() -> Self {
        Self::of(Code::Ok, "")
    }

    pub(crate) fn of(code: Code, message: &str) -> Self {
        Self::Status(code, message.to_owned())
    }
}

impl GrpcCall {
    /// A piece of metadata; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("metadata is text"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.message).expect("payloads are text here")
    }
}

impl GrpcBranches {
    pub(crate) async fn start() -> Self {
        Self::start_on(0).await
    }

    /// On an address of this machine.
    pub(crate) async fn start_at(address: impl ToSocketAddrs) -> Self {
        Self::serve(TcpListener::bind(address).await.expect("the address is free"))
    }

    /// On a port that was free a moment ago, for a service that comes back.
    pub(crate) async fn start_on(port: u16) -> Self {
        Self::start_at(("127.0.0.1", port)).await
    }

    fn serve(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("a listener has an address");
        let branches = Self { address, state: Arc::default() };
        let service = branches.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                let handle = service_fn(move |request| answer(service.clone(), request));
                let serving =
                    http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), handle);
                tokio::spawn(serving);
            }
        });
        branches
    }

    /// The URL of a method.
    pub(crate) fn url(&self, method: &str) -> String {
        format!("{}/busi.Busi/{method}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The n-th call of a method gets the n-th reply; the last one is repeated.
    pub(crate) fn on(&self, method: &str, replies: impl IntoIterator<Item = GrpcReply>) {
        self.state.scripts.lock().insert(method.to_owned(), (replies.into_iter().collect(), 0));
    }

    /// All calls in the order of arrival.
    pub(crate) fn calls(&self) -> Vec<GrpcCall> {
        self.state.calls.lock().clone()
    }

    pub(crate) fn calls_of(&self, method: &str) -> Vec<GrpcCall> {
        self.calls().into_iter().filter(|call| call.method == method).collect()
    }

    /// The methods that were called, in the order of arrival.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.method).collect()
    }

    /// Waits for the n-th call of a method.
    pub(crate) async fn wait_for(&self, method: &str, count: usize) {
        let mut arrived = self.state.arrived.subscribe();
        let seen = arrived.wait_for(|_| self.calls_of(method).len() >= count);
        let seen = timeout(PATIENCE, seen).await;
        assert!(seen.is_ok(), "waited in vain for call {count} of {method}; there were {:?}", self.methods());
    }

    fn next_reply(&self, method: &str) -> GrpcReply {
        let mut scripts = self.state.scripts.lock();
        let Some((replies, used)) = scripts.get_mut(method) else { return GrpcReply::ok() };
        let reply = replies[(*used).min(replies.len() - 1)].clone();
        *used += 1;
        reply
    }
}

async fn answer(
    branches: GrpcBranches,
    request: http::Request<Incoming>,
) -> Result<http::Response<tonic::body::Body>, Infallible> {
    let unary = Unary { branches, path: request.uri().path().to_owned(), headers: request.headers().clone() };
    Ok(tonic::server::Grpc::new(RawCodec).unary(unary, request).await)
}

/// One call that is being answered.
struct Unary {
    branches: GrpcBranches,
    path: String,
    headers: HeaderMap,
}

impl Service<Request<Bytes>> for Unary {
    type Response = Response<Bytes>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let method = self.path.rsplit('/').next().unwrap_or_default().to_owned();
        let reply = self.branches.next_reply(&method);
        let (path, headers) = (self.path.clone(), self.headers.clone());
        let state = &self.branches.state;
        state.calls.lock().push(GrpcCall { method, path, headers, message: request.into_inner() });
        state.arrived.send_modify(|count| *count += 1);
        Box::pin(async move {
            let (code, message) = match reply {
                GrpcReply::Status(code, message) => (code, message),
                GrpcReply::Held(gate, code, message) => {
                    gate.passed().await;
                    (code, message)
                }
                GrpcReply::Hang => std::future::pending().await,
            };
            // a reply is ignored, whatever it is
            let nothing = Bytes::from_static(b"a reply that nobody reads");
            if code == Code::Ok { Ok(Response::new(nothing)) } else { Err(Status::new(code, message)) }
        })
    }
}
