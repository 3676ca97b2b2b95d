//! A way to the server on which answers get lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes bytes on in both directions, until it is told to lose what the server says next.
#[derive(Clone)]
pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cut: AtomicBool,
    was_cut: AtomicBool,
}

impl Proxy {
    pub(super) async fn to(server_port: u16) -> Self {
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

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The next thing that the server says is lost, and its connection breaks.
    pub(super) fn lose_next_answer(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
    }

    /// Whether something was lost.
    pub(super) fn has_lost(&self) -> bool {
        self.state.was_cut.load(Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, server: TcpStream, state: &State) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        tokio::io::copy(&mut from_client, &mut to_server).await.ok();
    };
    let answers = async {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let Ok(count @ 1..) = from_server.read(&mut buffer).await else { return };
            if state.cut.swap(false, Ordering::SeqCst) {
                state.was_cut.store(true, Ordering::SeqCst);
                return;
            }
            if to_client.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    // Either end of it ends both.
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}
