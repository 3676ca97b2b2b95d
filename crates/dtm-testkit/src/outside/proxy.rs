//! A network between a store and its database that loses answers when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What happens to answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// They arrive.
    Pass,
    /// The connection breaks instead of the first answer in which these bytes occur.
    LoseThat(&'static [u8]),
    /// The connection breaks instead of the answer to a question in which these bytes occur.
    LoseThatTo(&'static [u8]),
    /// They never arrive, and the connection stays.
    Silence,
    /// The connection breaks instead of the next answer, whatever it is.
    Lose,
    /// Each arrives after so long.
    Late(Duration),
}

/// Listens on a port of its own until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    place: String,
    answers: watch::Sender<Answers>,
    /// Connections with a smaller number get no answers any more.
    silent_below: Arc<AtomicU64>,
    next: Arc<AtomicU64>,
    accepting: AbortHandle,
}

impl Proxy {
    /// A proxy before the server at that address.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let (answers, seen) = watch::channel(Answers::Pass);
        let server: Arc<str> = server.into();
        let (silent_below, next) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (silent, number) = (Arc::clone(&silent_below), Arc::clone(&next));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (silent, number) = (Arc::clone(&silent), number.fetch_add(1, Ordering::Relaxed));
                let is_silent = move || silent.load(Ordering::Relaxed) > number;
                tokio::spawn(forward(client, Arc::clone(&server), seen.clone(), is_silent));
            }
        });
        Self { place, answers, silent_below, next, accepting: accepting.abort_handle() }
    }

    /// The address of the proxy.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What happens to answers from now on.
    pub fn set(&self, answers: Answers) {
        self.answers.send_replace(answers);
    }

    /// From now on nothing arrives on the connections that exist, and they stay; new ones are as good as ever.
    pub fn silence_present(&self) {
        self.silent_below.store(self.next.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn forward(
    client: TcpStream,
    server: Arc<str>,
    answers: watch::Receiver<Answers>,
    is_silent: impl Fn() -> bool + Send,
) {
    // One that is down is down for the client too.
    let Ok(server) = TcpStream::connect(&*server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (asked, was_asked) = watch::channel(false);
    let seen = answers.clone();
    let asking = tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            let now = *seen.borrow();
            if let Answers::LoseThatTo(question) = now
                && occurs(question, &buffer[..count])
            {
                asked.send_replace(true);
            }
            if to_server.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    });
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
        let bytes = &buffer[..count];
        let now = *answers.borrow();
        match now {
            Answers::LoseThat(lost) if occurs(lost, bytes) => break,
            Answers::LoseThatTo(_) if *was_asked.borrow() => break,
            Answers::Lose => break,
            Answers::Silence => {}
            _ if is_silent() => {}
            Answers::Pass | Answers::LoseThat(_) | Answers::LoseThatTo(_) | Answers::Late(_) => {
                if let Answers::Late(span) = now {
                    tokio::time::sleep(span).await;
                }
                if to_client.write_all(bytes).await.is_err() {
                    break;
                }
            }
        }
    }
    asking.abort();
}

fn occurs(needle: &[u8], bytes: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
