//! The branch services: as little as HTTP allows, on a thread of their own.
//!
//! `/a/STEP` is the action of a step (or the confirm of a branch) and answers at once, `/c/STEP` undoes it, which
//! no load expects, `/h/GROUP` hangs until that group is told to let go. Over gRPC the methods are
//! `bench.Branch/aSTEP` and `bench.Branch/cSTEP`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use super::Ledger;

const SUCCESS: &[u8] = br#"{"dtm_result":"SUCCESS"}"#;

/// Branch services: for branches that answer, and for those that hang.
pub(crate) struct Branches {
    pub(crate) addresses: Addresses,
    shared: Arc<Shared>,
}

/// Where the branch services listen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// HTTP, for branches that answer.
    pub(crate) good: SocketAddr,
    /// HTTP, for those that hang.
    pub(crate) slow: SocketAddr,
    /// gRPC, for branches that answer.
    pub(crate) grpc: SocketAddr,
}

struct Shared {
    ledger: RwLock<Arc<Ledger>>,
    /// Where answers to calls of a group that was let go are written, when somebody asked for it.
    held: RwLock<Option<Arc<Ledger>>>,
    groups: [Group; GROUPS],
}

/// Calls that hang, and are let go together.
struct Group {
    /// How many hang now.
    hanging: watch::Sender<u32>,
    /// Whether they are let go, now and in future.
    let_go: watch::Sender<bool>,
}

/// How many groups there are.
const GROUPS: usize = 2;

impl Branches {
    /// Starts the services; they end with the program.
    pub(crate) async fn start() -> crate::Result<Self> {
        let shared = Arc::new(Shared {
            ledger: RwLock::new(Arc::new(Ledger::new("none", 0, 0, 0))),
            held: RwLock::new(None),
            groups: std::array::from_fn(|_| Group {
                hanging: watch::Sender::new(0),
                let_go: watch::Sender::new(false),
            }),
        });
        let (tell, addresses) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        thread::Builder::new().name("branches".to_owned()).spawn(move || serve(&for_thread, tell))?;
        let addresses = addresses.await.map_err(|_| "the branch services did not start")??;
        Ok(Self { addresses, shared })
    }

    /// From now on, calls are written to this ledger.
    pub(crate) fn write_to(&self, ledger: &Arc<Ledger>) {
        *self.shared.ledger.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(ledger);
    }

    /// From now on, calls that hung, or would have, are written to this ledger when they are answered.
    pub(crate) fn record_held(&self, ledger: &Arc<Ledger>) {
        *self.shared.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(ledger));
    }

    /// Waits until no call of a group hangs, because the connections of their server are closed.
    pub(crate) async fn until_none_hangs(&self, group: usize) -> crate::Result {
        self.shared.groups[group].hanging.subscribe().wait_for(|hanging| *hanging == 0).await?;
        Ok(())
    }

    /// Waits until at least this many calls of a group hang.
    pub(crate) async fn until_hanging(&self, group: usize, count: u32) -> crate::Result {
        self.shared.groups[group].hanging.subscribe().wait_for(|hanging| *hanging >= count).await?;
        Ok(())
    }

    /// Answers all calls of a group that hang, and those that still come; waits until none is left.
    pub(crate) async fn let_go(&self, group: usize) -> crate::Result {
        let group = &self.shared.groups[group];
        group.let_go.send_replace(true);
        group.hanging.subscribe().wait_for(|hanging| *hanging == 0).await?;
        Ok(())
    }
}

type Started = std::io::Result<Addresses>;

#[tokio::main(flavor = "current_thread")]
async fn serve(shared: &Arc<Shared>, tell: oneshot::Sender<Started>) {
    match listeners().await {
        Ok((addresses, [good, slow, grpc])) => {
            if tell.send(Ok(addresses)).is_ok() {
                tokio::join!(
                    accept(good, shared, serve_http),
                    accept(slow, shared, serve_http),
                    accept(grpc, shared, serve_grpc)
                );
            }
        }
        Err(error) => drop(tell.send(Err(error))),
    }
}

async fn listeners() -> std::io::Result<(Addresses, [TcpListener; 3])> {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let listeners = [bind().await?, bind().await?, bind().await?];
    let [good, slow, grpc] = &listeners;
    let addresses =
        Addresses { good: good.local_addr()?, slow: slow.local_addr()?, grpc: grpc.local_addr()? };
    Ok((addresses, listeners))
}

async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    shared: &Arc<Shared>,
    serve: fn(TcpStream, Arc<Shared>) -> F,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                eprintln!("dtm-bench: branch services cannot accept: {error} (ulimit -n?)");
                return;
            }
        };
        if stream.set_nodelay(true).is_err() {
            continue; // closed already
        }
        tokio::spawn(serve(stream, Arc::clone(shared)));
    }
}

// The server closes connections as it likes; a call that got lost shows in the ledger.

async fn serve_http(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(request, &shared));
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn serve_grpc(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer_grpc(request, Arc::clone(&shared)));
    http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.ok();
}

/// An empty message and the status OK, whatever was asked.
async fn answer_grpc(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    let complete = body.collect().await.is_ok();
    let gid = head.headers.get("dtm-gid").and_then(|gid| gid.to_str().ok()).unwrap_or("");
    let step = head.uri.path().strip_prefix("/bench.Branch/a").and_then(|step| step.parse().ok());
    let ledger = shared.ledger();
    match step.filter(|_| complete) {
        Some(step) => ledger.called(gid, step),
        None => ledger.called_without_reason(),
    }
    let trailers =
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let body = Full::new(Bytes::from_static(&[0; 5])).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(body);
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    Ok(response)
}

impl Shared {
    fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger.read().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let complete = body.collect().await.is_ok();
    let gid = head.uri.query().and_then(|query| parameter(query, "gid")).unwrap_or("");
    let path = head.uri.path();
    let group = path.strip_prefix("/h/").and_then(|group| group.parse::<usize>().ok());
    if let Some(group) = group.and_then(|group| shared.groups.get(group)) {
        group.hang().await;
        if let Some(held) = &*shared.held.read().unwrap_or_else(PoisonError::into_inner) {
            held.called(gid, 0);
        }
    } else if let Some(step) = path.strip_prefix("/a/").and_then(|step| step.parse().ok())
        && complete
    {
        shared.ledger().called(gid, step);
    } else {
        shared.ledger().called_without_reason();
    }
    Ok(Response::new(Full::new(Bytes::from_static(SUCCESS))))
}

impl Group {
    async fn hang(&self) {
        /// Counts down also when the connection is closed.
        struct Hanging<'a>(&'a watch::Sender<u32>);
        impl Drop for Hanging<'_> {
            fn drop(&mut self) {
                self.0.send_modify(|hanging| *hanging -= 1);
            }
        }
        let mut let_go = self.let_go.subscribe();
        self.hanging.send_modify(|hanging| *hanging += 1);
        let _hanging = Hanging(&self.hanging);
        // An error means that the services end, which lets go as well.
        let_go.wait_for(|let_go| *let_go).await.ok();
    }
}

/// The value of a parameter. The gids of a load need no decoding.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_by_its_whole_name() {
        let query = "branch_id=01&not_gid=x&gid=a-1-2&op=action";
        assert_eq!(parameter(query, "gid"), Some("a-1-2"));
        assert_eq!(parameter(query, "id"), None);
    }
}
