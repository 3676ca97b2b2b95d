//! A gRPC server that says exactly what a test wants, frame for frame.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the server does with a call.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    /// A message, and a status behind it.
    Status(u8, &'static str),
    /// A status in the head of the answer, and nothing else.
    OnlyStatus(u8, &'static str),
    /// Trailers without a status.
    NoStatus,
    /// A message, and the end of the stream.
    NoTrailers,
    /// An HTTP status, and nothing else.
    Http(u16),
    /// No answer, ever.
    Nothing,
    /// The head of an answer, and no more.
    HalfAnAnswer,
    /// A message that never ends.
    Endless,
    /// Resets the stream.
    Reset(Reason),
    /// A message, and then resets the stream.
    MessageAndReset,
    /// Ends the connection with a GOAWAY frame that names no reason for hope.
    GoAway,
    /// Drops the connection.
    Drop,
}

/// A call as it came over the wire.
#[derive(Debug)]
pub(crate) struct GrpcCall {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) authority: String,
    /// With the five bytes in front.
    pub(crate) body: Bytes,
    /// Which connection it came over, counted from 0.
    pub(crate) connection: usize,
}

impl GrpcCall {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }
}

/// A server on a port of its own. Stops with the test's runtime.
pub(crate) struct GrpcServer {
    pub(crate) address: SocketAddr,
    pub(crate) calls: mpsc::Receiver<GrpcCall>,
    open: Arc<AtomicUsize>,
    closed: mpsc::Receiver<()>,
}

impl GrpcServer {
    /// Does the same with every call.
    pub(crate) async fn saying(says: Says) -> Self {
        Self::deciding(move |_| says.clone()).await
    }

    /// Decides by the path.
    pub(crate) async fn deciding(script: impl Fn(&str) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, calls) = mpsc::channel(10_000);
        let (gone, closed) = mpsc::channel(10_000);
        let (script, open) = (Arc::new(script), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&open);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, sender, gone) = (Arc::clone(&script), sender.clone(), gone.clone());
                let open = Arc::clone(&counted);
                tokio::spawn(async move {
                    open.fetch_add(1, Ordering::SeqCst);
                    serve(stream, connection, &sender, &*script).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                    gone.send(()).await.ok();
                });
            }
        });
        Self { address, calls, open, closed }
    }

    pub(crate) fn url(&self) -> String {
        self.method("TransIn")
    }

    pub(crate) fn method(&self, method: &str) -> String {
        format!("{}/busi.Busi/{method}", self.address)
    }

    /// The next call; panics when none came.
    pub(crate) fn next(&mut self) -> GrpcCall {
        self.calls.try_recv().unwrap()
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Waits until a connection was closed.
    pub(crate) async fn closed(&mut self) {
        tokio::time::timeout(Duration::from_secs(10), self.closed.recv()).await.unwrap().unwrap();
    }
}

type H2 = Connection<TcpStream, Bytes>;

async fn serve(
    stream: TcpStream,
    connection: usize,
    calls: &mpsc::Sender<GrpcCall>,
    script: &(dyn Fn(&str) -> Says + Send + Sync),
) {
    let Ok(mut h2) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = h2.accept().await {
        let says = script(request.uri().path().rsplit_once('/').unwrap().1);
        match says {
            Says::Drop => {
                record(&mut h2, request, connection, calls).await;
                return;
            }
            Says::GoAway => {
                record(&mut h2, request, connection, calls).await;
                h2.abrupt_shutdown(Reason::INTERNAL_ERROR);
            }
            says => {
                let calls = calls.clone();
                tokio::spawn(async move {
                    let call = received(request, connection).await;
                    calls.send(call).await.unwrap();
                    answer(says, respond).await;
                });
            }
        }
    }
}

/// Reads a request while the connection goes on.
async fn record(
    h2: &mut H2,
    request: Request<RecvStream>,
    connection: usize,
    calls: &mpsc::Sender<GrpcCall>,
) {
    let read = received(request, connection);
    tokio::pin!(read);
    let call = loop {
        tokio::select! {
            call = &mut read => break call,
            _ = h2.accept() => {}
        }
    };
    calls.send(call).await.unwrap();
}

async fn received(request: Request<RecvStream>, connection: usize) -> GrpcCall {
    let (head, mut stream) = request.into_parts();
    let mut body = BytesMut::new();
    while let Some(Ok(data)) = stream.data().await {
        stream.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    GrpcCall {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        authority: head.uri.authority().unwrap().to_string(),
        body: body.freeze(),
        connection,
    }
}

async fn answer(says: Says, mut respond: SendResponse<Bytes>) {
    let head = |status: u16| {
        Response::builder().status(status).header("content-type", "application/grpc").body(()).unwrap()
    };
    match says {
        Says::OnlyStatus(code, message) => {
            let mut head = head(200);
            head.headers_mut().extend(trailers(code, message));
            respond.send_response(head, true).unwrap();
        }
        Says::Http(status) => drop(respond.send_response(head(status), true).unwrap()),
        Says::Reset(reason) => respond.send_reset(reason),
        Says::Nothing => std::future::pending().await,
        Says::HalfAnAnswer => {
            let _stream = respond.send_response(head(200), false).unwrap();
            std::future::pending().await
        }
        Says::Status(code, message) => {
            let mut stream = respond.send_response(head(200), false).unwrap();
            stream.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
            stream.send_trailers(trailers(code, message)).unwrap();
        }
        Says::NoStatus => {
            let mut stream = respond.send_response(head(200), false).unwrap();
            stream.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
            stream.send_trailers(HeaderMap::new()).unwrap();
        }
        Says::NoTrailers => {
            let mut stream = respond.send_response(head(200), false).unwrap();
            stream.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
        }
        Says::MessageAndReset => {
            let mut stream = respond.send_response(head(200), false).unwrap();
            stream.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
            tokio::task::yield_now().await;
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        Says::Endless => {
            let mut stream = respond.send_response(head(200), false).unwrap();
            loop {
                stream.reserve_capacity(16_384);
                let Some(Ok(room)) = std::future::poll_fn(|context| stream.poll_capacity(context)).await
                else {
                    return;
                };
                let chunk = Bytes::from(vec![b'x'; room]);
                if stream.send_data(chunk, false).is_err() {
                    return;
                }
            }
        }
        Says::Drop | Says::GoAway => {}
    }
}

fn trailers(code: u8, message: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.to_string().parse().unwrap());
    trailers.insert("grpc-message", message.parse().unwrap());
    trailers
}

/// A message with the five bytes of gRPC in front.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.put_u32(u32::try_from(message.len()).unwrap());
    bytes.extend_from_slice(message);
    bytes
}
