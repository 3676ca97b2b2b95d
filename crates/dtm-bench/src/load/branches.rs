//! The branch services: as little as HTTP allows, on a thread of their own.
//!
//! `/a/STEP` is the action of a step and answers at once, `/c/STEP` its compensation, which no load expects,
//! `/h/GROUP` hangs until that group is told to let go.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::Ledger;

const SUCCESS: &[u8] = br#"{"dtm_result":"SUCCESS"}"#;

/// Branch services on two addresses: one for branches that answer, one for those that hang.
pub(crate) struct Branches {
    pub(crate) good: SocketAddr,
    pub(crate) slow: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    ledger: RwLock<Arc<Ledger>>,
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
            groups: std::array::from_fn(|_| Group {
                hanging: watch::Sender::new(0),
                let_go: watch::Sender::new(false),
            }),
        });
        let (tell, addresses) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        thread::Builder::new().name("branches".to_owned()).spawn(move || serve(&for_thread, tell))?;
        let (good, slow) = addresses.await.map_err(|_| "the branch services did not start")??;
        Ok(Self { good, slow, shared })
    }

    /// From now on, calls are written to this ledger.
    pub(crate) fn write_to(&self, ledger: &Arc<Ledger>) {
        *self.shared.ledger.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(ledger);
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

type Started = std::io::Result<(SocketAddr, SocketAddr)>;

#[tokio::main(flavor = "current_thread")]
async fn serve(shared: &Arc<Shared>, tell: oneshot::Sender<Started>) {
    let bind = async || -> std::io::Result<_> {
        Ok((TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?))
    };
    let listeners = bind().await;
    let addresses = match &listeners {
        Ok((good, slow)) => good.local_addr().and_then(|good| Ok((good, slow.local_addr()?))),
        Err(error) => Err(std::io::Error::new(error.kind(), error.to_string())),
    };
    let wanted = tell.send(addresses).is_ok();
    if let Ok((good, slow)) = listeners
        && wanted
    {
        tokio::join!(accept(good, shared), accept(slow, shared));
    }
}

async fn accept(listener: TcpListener, shared: &Arc<Shared>) {
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
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &shared));
            // The server closes connections as it likes; a call that got lost shows in the ledger.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let complete = body.collect().await.is_ok();
    let gid = head.uri.query().and_then(|query| parameter(query, "gid")).unwrap_or("");
    let path = head.uri.path();
    let ledger = || Arc::clone(&shared.ledger.read().unwrap_or_else(PoisonError::into_inner));
    let group = path.strip_prefix("/h/").and_then(|group| group.parse::<usize>().ok());
    if let Some(group) = group.and_then(|group| shared.groups.get(group)) {
        group.hang().await;
    } else if let Some(step) = path.strip_prefix("/a/").and_then(|step| step.parse().ok())
        && complete
    {
        ledger().called(gid, step);
    } else {
        ledger().called_without_reason();
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
