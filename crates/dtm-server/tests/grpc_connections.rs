//! Limits of gRPC connections, on a server whose limits are short.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop the test when something is off")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2::{self, Connection, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use dtm_server::config::{Config, GrpcConfig, HttpConfig, StoreConfig};
use dtm_server::server::Server;

/// Longer than anything that a case waits for.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);
/// An empty message.
const EMPTY: &[u8] = &[0; 5];
/// What a client says first: the preface, and no settings of its own.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

struct Running {
    server: Server,
    _folder: TempDir,
}

/// A server with the defaults but for what `adapt` changes.
async fn start(adapt: impl FnOnce(&mut Config)) -> Running {
    let folder = TempDir::new().unwrap();
    let mut config = Config {
        http: HttpConfig { port: 0, ..HttpConfig::default() },
        grpc: GrpcConfig { port: 0, ..GrpcConfig::default() },
        store: StoreConfig { path: folder.path().join("data"), ..StoreConfig::default() },
        ..Config::default()
    };
    adapt(&mut config);
    Running { server: Server::start(config).await.unwrap(), _folder: folder }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.grpc_address()).await.unwrap()
    }

    async fn handshake<B>(&self) -> (SendRequest<B>, Connection<TokioIo<TcpStream>, B, TokioExecutor>)
    where
        B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
    {
        let stream = TokioIo::new(self.connect().await);
        http2::Builder::new(TokioExecutor::new()).timer(TokioTimer::new()).handshake(stream).await.unwrap()
    }
}

/// Calls `NewGid` with this body, and returns the gRPC status.
async fn call<B>(sender: &mut SendRequest<B>, body: B) -> String
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let request =
        Request::post("http://server/dtmgimp.Dtm/NewGid").header("content-type", "application/grpc");
    let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned();
    let status =
        |headers: &HeaderMap| headers.get("grpc-status").map(|code| code.to_str().unwrap().to_owned());
    status(&head.headers).or_else(|| status(&trailers?)).unwrap()
}

#[tokio::test]
async fn a_peer_that_does_not_answer_pings_is_dead() {
    let running = start(|config| {
        config.grpc.ping_interval = SHORT;
        config.grpc.ping_timeout = SHORT;
    })
    .await;
    let mut stream = running.connect().await;
    stream.write_all(GREETING).await.unwrap();
    // Whatever comes is read and not answered; then the server gives the connection up.
    timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.unwrap().ok();
}

#[tokio::test]
async fn a_connection_that_says_nothing_or_half_a_preface_is_closed() {
    let running = start(|config| config.http.head_timeout = SHORT).await;
    for first in [&b""[..], &GREETING[..10]] {
        let mut stream = running.connect().await;
        stream.write_all(first).await.unwrap();
        timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.unwrap().ok();
    }
}

#[tokio::test]
async fn an_idle_connection_is_asked_to_leave_and_one_that_is_used_is_not() {
    let running = start(|config| config.grpc.idle_timeout = 5 * SHORT).await;
    let (mut used, used_connection) = running.handshake().await;
    let used_connection = tokio::spawn(used_connection);
    let (_idle, idle_connection) = running.handshake::<Full<Bytes>>().await;
    let mut idle_connection = tokio::spawn(idle_connection);
    let ended = async {
        loop {
            assert_eq!(call(&mut used, Full::from(EMPTY)).await, "0");
            if let Ok(ended) = timeout(SHORT, &mut idle_connection).await {
                return ended.unwrap();
            }
        }
    };
    timeout(PATIENCE, ended).await.unwrap().unwrap();
    assert!(!used_connection.is_finished());
}

#[tokio::test]
async fn over_the_limit_a_connection_waits_until_another_one_leaves() {
    let running = start(|config| config.grpc.connections_max = 1).await;
    let (mut first, connection) = running.handshake().await;
    let first_connection = tokio::spawn(connection);
    assert_eq!(call(&mut first, Full::from(EMPTY)).await, "0");
    let (mut second, connection) = running.handshake().await;
    tokio::spawn(connection);
    let mut waiting = tokio::spawn(async move { call(&mut second, Full::from(EMPTY)).await });
    assert!(timeout(2 * SHORT, &mut waiting).await.is_err(), "there is one place");
    drop(first);
    first_connection.await.unwrap().unwrap();
    assert_eq!(timeout(PATIENCE, waiting).await.unwrap().unwrap(), "0");
}

#[tokio::test]
async fn a_message_that_does_not_arrive_is_not_waited_for_and_the_connection_goes_on() {
    let running = start(|config| config.http.body_timeout = SHORT).await;
    let (mut sender, connection) = running.handshake().await;
    tokio::spawn(connection);
    let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"\0\0")))]);
    let slow = StreamBody::new(first.chain(stream::pending()).boxed());
    assert_eq!(timeout(PATIENCE, call(&mut sender, slow)).await.unwrap(), "4", "DEADLINE_EXCEEDED");
    let whole = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(EMPTY)))]);
    assert_eq!(call(&mut sender, StreamBody::new(whole.boxed())).await, "0");
}

#[tokio::test]
async fn a_client_is_told_how_many_calls_it_may_have_open_and_how_long_metadata_may_be() {
    let running = start(|config| config.grpc.calls_max = 7).await;
    let mut stream = running.connect().await;
    stream.write_all(GREETING).await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "the first frame has the settings");
    let mut settings = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    stream.read_exact(&mut settings).await.unwrap();
    let has = |id: u16, value: u32| {
        let wanted = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        settings.chunks(6).any(|setting| setting == wanted)
    };
    assert!(has(3, 7) && has(6, 64 << 10), "{settings:?}");
}
