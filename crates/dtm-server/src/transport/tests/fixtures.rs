//! Calls, and servers that say exactly what a test wants, byte for byte.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::RootCertStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use dtm_core::coordinator::{BranchCall, CallKey, CallOp};
use dtm_core::model::{BranchId, BranchIndex, Gid, Mode, Op, Outcome, Payload, Protocol, Seconds};
use dtm_proto::outcome::ResultProtocol;

use crate::config::TransportConfig;
use crate::transport::{HttpClient, HttpTransport};

/// The first action of a saga.
pub(crate) fn call(url: &str) -> BranchCall {
    BranchCall {
        key: CallKey::Branch(BranchIndex::new(1)),
        gid: Gid::parse("order-47").unwrap(),
        mode: Mode::Saga,
        branch_id: BranchId::parse("01").unwrap(),
        op: CallOp::Branch(Op::Action),
        url: url.into(),
        protocol: Protocol::Http,
        payload: Payload::from("{\"amount\":30}"),
        timeout: Seconds::new(3),
        retry: false,
    }
}

pub(crate) fn headers<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A transport that trusts nobody, with 64 KiB as the longest answer.
pub(crate) fn transport() -> HttpTransport {
    transport_with(ResultProtocol::Compat)
}

pub(crate) fn transport_with(results: ResultProtocol) -> HttpTransport {
    HttpTransport::by(HttpClient::with_roots(&config(), RootCertStore::empty()).unwrap(), results)
}

pub(crate) fn config() -> TransportConfig {
    TransportConfig {
        response_bytes_max: 65_536,
        retries_per_destination: 64,
        connect_timeout: Duration::from_millis(500),
        ..TransportConfig::default()
    }
}

pub(crate) fn cause(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Unknown { cause } | Outcome::NotSent { cause } => cause,
        other => panic!("expected Unknown or NotSent, got {other:?}"),
    }
}

/// A request as it came over the wire.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Which connection it came over, counted from 0.
    pub(crate) connection: usize,
}

impl Received {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    /// The values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

/// A server on a port of its own. Stops with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) received: mpsc::Receiver<Received>,
}

impl Server {
    /// Answers each request with `answer`, and keeps connections open.
    pub(crate) async fn answering(answer: impl AsRef<[u8]>) -> Self {
        let answer = answer.as_ref().to_vec();
        Self::start(move |mut peer| {
            let answer = answer.clone();
            async move {
                while peer.request().await.is_some() {
                    peer.stream.write_all(&answer).await.unwrap();
                }
            }
        })
        .await
    }

    /// Handles each connection by `handle`, and closes it afterwards.
    pub(crate) async fn start<F>(handle: impl Fn(Peer) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, received) = mpsc::channel(10_000);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(handle(Peer { stream, connection, requests: requests.clone() }));
            }
        });
        Self { address, received }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request; panics when none came.
    pub(crate) fn next(&mut self) -> Received {
        self.received.try_recv().unwrap()
    }
}

/// The server's side of one connection.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    /// Which connection it is, counted from 0.
    pub(crate) connection: usize,
    requests: mpsc::Sender<Received>,
}

impl Peer {
    /// Reads one request and reports it. Answers its request line; `None` when the other side closed.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(bytes).unwrap();
        let mut received = Received { head, body: Vec::new(), connection: self.connection };
        let length = received.header("content-length").first().map_or(0, |length| length.parse().unwrap());
        received.body.resize(length, 0);
        self.stream.read_exact(&mut received.body).await.ok()?;
        let line = received.line().to_owned();
        self.requests.send(received).await.unwrap();
        Some(line)
    }
}

/// An answer with a body.
pub(crate) fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
