//! The scripted branch service: records every call, answers by path and by the number of the call.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::reply::Whole;
use super::{Call, PATIENCE, Reply};

/// A service of branches. A path without a script answers success.
#[derive(Clone)]
pub(crate) struct Branches {
    address: SocketAddr,
    state: Arc<State>,
}

type Responder = Box<dyn Fn(&Call) -> Reply + Send + Sync>;

struct State {
    responder: Option<Responder>,
    calls: Mutex<Vec<Call>>,
    scripts: Mutex<HashMap<String, Script>>,
    arrived: watch::Sender<usize>,
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct Script {
    replies: Vec<Reply>,
    used: usize,
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the script says so")]
struct Broken;

type Body = UnsyncBoxBody<Bytes, Broken>;

impl Branches {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// A service that decides on each call when it arrives, instead of by scripts.
    pub(crate) async fn deciding(responder: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(Some(Box::new(responder))).await
    }

    async fn start_with(responder: Option<Responder>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::new(State {
            responder,
            calls: Mutex::default(),
            scripts: Mutex::default(),
            arrived: watch::Sender::new(0),
            open: watch::Sender::new(0),
        });
        let branches = Self { address, state };
        let service = branches.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                service.state.open.send_modify(|open| *open += 1);
                let service = service.clone();
                tokio::spawn(async move {
                    let open = Arc::clone(&service.state);
                    service.serve(stream).await;
                    open.open.send_modify(|open| *open -= 1);
                });
            }
        });
        branches
    }

    /// A URL of this service.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The n-th call of `path` gets the n-th reply, counted from now; the last one is repeated.
    pub(crate) fn on(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies: Vec<_> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "a script needs a reply");
        self.state.scripts.lock().insert(path.to_owned(), Script { replies, used: 0 });
    }

    /// All calls in the order of arrival.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().clone()
    }

    /// The calls of one path in the order of arrival.
    pub(crate) fn calls_of(&self, path: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.path == path).collect()
    }

    /// The paths that were called, in the order of arrival.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.path).collect()
    }

    /// How often a path was called.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.state.calls.lock().iter().filter(|call| call.path == path).count()
    }

    /// Waits for the n-th call of a path.
    pub(crate) async fn wait_for(&self, path: &str, count: usize) {
        self.wait_until(&format!("call {count} of {path}"), |branches| branches.count(path) >= count).await;
    }

    /// Waits until the calls are as wanted.
    pub(crate) async fn wait_until(&self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let mut arrived = self.state.arrived.subscribe();
        let seen = async {
            loop {
                arrived.borrow_and_update();
                if wanted(self) {
                    return;
                }
                arrived.changed().await.expect("the service lives as long as its handle");
            }
        };
        timeout(PATIENCE, seen)
            .await
            .unwrap_or_else(|_| panic!("waited in vain for {what}; there were {:?}", self.paths()));
    }

    /// After the death of a server: waits until everything that it had sent has arrived or is lost.
    pub(crate) async fn drained(&self) {
        // Connections are accepted in order, so all earlier ones are known once this one is served.
        let mut last = TcpStream::connect(self.address).await.expect("the service accepts");
        last.write_all(b"GET /drained HTTP/1.0\r\n\r\n").await.expect("the service reads");
        last.read_to_end(&mut Vec::new()).await.expect("the service answers");
        let mut open = self.state.open.subscribe();
        timeout(PATIENCE, open.wait_for(|open| *open == 0)).await.expect("dead connections end").unwrap();
    }

    async fn serve(self, stream: TcpStream) {
        let garbage = Arc::new(watch::Sender::new(false));
        let (stream, mut garbage_due) = (TokioIo::new(stream), garbage.subscribe());
        let service = service_fn(move |request| {
            let (service, garbage) = (self.clone(), Arc::clone(&garbage));
            async move { service.answer(request, &garbage).await }
        });
        let mut serving = http1::Builder::new().serve_connection(stream, service);
        let wants_garbage = tokio::select! {
            // A connection that breaks is part of the script, or the business of the server under test.
            _ = &mut serving => false,
            due = garbage_due.wait_for(|due| *due) => due.is_ok(),
        };
        if wants_garbage {
            let mut stream = serving.into_parts().io.into_inner();
            stream.write_all(b"this is not HTTP\r\n\r\n").await.ok();
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        garbage: &watch::Sender<bool>,
    ) -> Result<Response<Body>, Broken> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
        let path = head.uri.path().to_owned();
        let call = Call {
            at: Instant::now(),
            method: head.method,
            path,
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
        };
        let reply = match &self.state.responder {
            Some(responder) => responder(&call),
            None => self.next_reply(&call.path),
        };
        self.record(call);
        match reply {
            Reply::Whole(whole) => Ok(response(whole)),
            Reply::Held(gate, whole) => {
                gate.passed().await;
                Ok(response(whole))
            }
            Reply::After(pause, whole) => {
                tokio::time::sleep(pause).await;
                Ok(response(whole))
            }
            Reply::Hang => std::future::pending().await,
            Reply::Close => Err(Broken),
            Reply::HalfBody(status) => Ok(half_body(status)),
            Reply::StuckBody(status) => {
                let first = stream::iter([chunk(b"{")]);
                Ok(streamed(status, first.chain(stream::pending())))
            }
            Reply::EndlessBody(status) => {
                Ok(streamed(status, stream::repeat_with(|| chunk(&[b'x'; 16_384]))))
            }
            Reply::Garbage => {
                garbage.send_replace(true);
                std::future::pending().await
            }
        }
    }

    fn next_reply(&self, path: &str) -> Reply {
        let mut scripts = self.state.scripts.lock();
        let Some(script) = scripts.get_mut(path) else { return Reply::ok() };
        let reply = script.replies[script.used.min(script.replies.len() - 1)].clone();
        script.used += 1;
        reply
    }

    fn record(&self, call: Call) {
        self.state.calls.lock().push(call);
        self.state.arrived.send_modify(|count| *count += 1);
    }
}

fn response(whole: Whole) -> Response<Body> {
    let mut response = Response::builder().status(whole.status);
    for (name, value) in whole.headers {
        response = response.header(name, value);
    }
    let body = Full::new(whole.body).map_err(|never: Infallible| match never {});
    response.body(body.boxed_unsync()).expect("a script has a status and headers that HTTP allows")
}

type Chunk = Result<Frame<Bytes>, Broken>;

fn chunk(bytes: &'static [u8]) -> Chunk {
    Ok(Frame::data(Bytes::from_static(bytes)))
}

fn streamed(status: u16, chunks: impl Stream<Item = Chunk> + Send + 'static) -> Response<Body> {
    let body = StreamBody::new(chunks).boxed_unsync();
    Response::builder().status(status).body(body).expect("a script has a status that HTTP allows")
}

fn half_body(status: u16) -> Response<Body> {
    let mut response = streamed(status, stream::iter([chunk(b"{\"dtm_result\":"), Err(Broken)]));
    response.headers_mut().insert(http::header::CONTENT_LENGTH, http::HeaderValue::from_static("100"));
    response
}
