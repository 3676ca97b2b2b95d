//! A way to the server on which answers get lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Passes bytes on in both directions, until it is told to lose what either side says.
#[derive(Clone)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Which answer from now on is lost, the next one being 1; 0 for none.
    answer: AtomicUsize,
    /// The same for requests.
    request: AtomicUsize,
    was_cut: AtomicBool,
}

impl Proxy {
    pub(crate) async fn to(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        let proxy = Self { port, state: Arc::default() };
        let state = Arc::clone(&proxy.state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", server_port)).await;
                    if let Ok(server) = server {
                        pass(client, server, &state).await;
                    }
                });
            }
        });
        proxy
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next thing that the server says is lost, and its connection breaks.
    pub(crate) fn lose_next_answer(&self) {
        self.lose_answer(1);
    }

    /// The n-th thing that the server says from now on is lost, and its connection breaks.
    pub(crate) fn lose_answer(&self, number: usize) {
        self.state.answer.store(number, Ordering::SeqCst);
    }

    /// The n-th thing that the client says from now on does not arrive, and its connection breaks.
    pub(crate) fn lose_request(&self, number: usize) {
        self.state.request.store(number, Ordering::SeqCst);
    }

    /// Whether something was lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.state.was_cut.load(Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, server: TcpStream, state: &State) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Either end of it ends both.
    tokio::select! {
        () = pass_on(from_client, to_server, &state.request, state) => {}
        () = pass_on(from_server, to_client, &state.answer, state) => {}
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lost: &AtomicUsize, state: &State) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let left = lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left == Ok(1) {
            state.was_cut.store(true, Ordering::SeqCst);
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
