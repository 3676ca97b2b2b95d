//! gRPC clients of the server.

use bytes::{BufMut, Bytes, BytesMut};
use dtm_proto::grpc::STATUS_METADATA;
use dtm_proto::grpc::dtmgimp::DtmRequest;
use dtm_proto::grpc::dtmgimp::dtm_client::DtmClient;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::body::Body;
use tonic::{Code, Status};

use super::Server;

/// The path of submit.
pub(crate) const SUBMIT: &str = "/dtmgimp.Dtm/Submit";

/// A connection pool of one client, without TLS.
pub(crate) type Channel = Client<HttpConnector, Body>;

/// The generated client.
pub(crate) type Grpc = DtmClient<Channel>;

/// What a call came to, for assertions: a code, its message, where the transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) stands: String,
}

/// The answer to a call whose bytes were written by hand.
#[derive(Debug)]
pub(crate) struct RawReply {
    pub(crate) http_status: u16,
    /// Head and trailers together.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) fn channel() -> Channel {
    Client::builder(TokioExecutor::new()).http2_only(true).build_http()
}

pub(crate) fn origin(port: u16) -> http::Uri {
    format!("http://127.0.0.1:{port}").parse().expect("this is a URI")
}

/// The error of a call that has to fail.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Status>) -> Refused {
    let status = result.expect_err("the call is refused");
    let stands = status.metadata().get(STATUS_METADATA).map(|value| value.to_str().expect("a word"));
    Refused {
        code: status.code(),
        message: status.message().to_owned(),
        stands: stands.unwrap_or_default().to_owned(),
    }
}

/// A message with its prefix.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(message.len() + 5);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).expect("messages are short here"));
    bytes.put_slice(message);
    bytes.freeze()
}

/// A TCC, and nothing more.
pub(crate) fn tcc(gid: &str) -> DtmRequest {
    DtmRequest { gid: gid.to_owned(), trans_type: "tcc".to_owned(), ..DtmRequest::default() }
}

/// Nothing is stored, and the server goes on.
pub(crate) async fn assert_unharmed(server: &Server) {
    let all = server.get("/api/dtmsvr/all").await;
    assert_eq!(all.parts(), (200, r#"{"next_position":"","transactions":[]}"#));
    server.grpc().prepare(tcc("good")).await.expect("the server goes on");
}

/// Sends a body as it is to `path`; `more` are headers beyond the usual ones.
pub(crate) async fn raw_call(port: u16, path: &str, more: &[(&str, &str)], body: Bytes) -> RawReply {
    let mut request = Request::post(format!("http://127.0.0.1:{port}{path}"));
    let usual = [("content-type", "application/grpc"), ("te", "trailers")];
    for (name, value) in
        usual.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).chain(more)
    {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::new(Full::new(body))).expect("a request can be made");
    let answer = channel().request(request).await.expect("the server answers");
    let (head, body) = answer.into_parts();
    let body = body.collect().await.expect("the answer is whole");
    let mut headers = head.headers;
    headers.extend(body.trailers().cloned().unwrap_or_default());
    RawReply { http_status: head.status.as_u16(), headers, body: body.to_bytes() }
}

impl RawReply {
    /// The gRPC status.
    pub(crate) fn status(&self) -> Status {
        Status::from_header_map(&self.headers).unwrap_or_else(|| panic!("no gRPC status: {self:?}"))
    }
}
