//! A server that answers what the test tells it to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What to do with the next request.
pub(crate) enum Say {
    /// Answer.
    Http(u16, &'static str),
    /// Answer late.
    After(Duration, u16, &'static str),
    /// Close the connection.
    HangUp,
    /// Keep the connection open and say nothing.
    Nothing,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) content_type: String,
    /// The first line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) struct Scripted {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Scripted {
    pub(crate) async fn start(script: impl IntoIterator<Item = Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/api/dtmsvr", listener.local_addr().unwrap());
        let script: Arc<Mutex<VecDeque<Say>>> = Arc::new(Mutex::new(script.into_iter().collect()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { address, requests, task }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request per connection.
async fn converse(mut stream: TcpStream, script: Arc<Mutex<VecDeque<Say>>>, seen: Arc<Mutex<Vec<Request>>>) {
    let Some(request) = read_request(&mut stream).await else { return };
    seen.lock().unwrap().push(request);
    let say = script.lock().unwrap().pop_front();
    let (code, body) = match say {
        Some(Say::Http(code, body)) => (code, body),
        Some(Say::After(delay, code, body)) => {
            tokio::time::sleep(delay).await;
            (code, body)
        }
        Some(Say::HangUp) => return,
        Some(Say::Nothing) => std::future::pending().await,
        None => (599, "the script has ended"),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\nlocation: /elsewhere\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
                Some(line.split_once(':')?.1.trim().to_owned())
            };
            let length: usize = header("content-length").map_or(0, |value| value.parse().unwrap());
            if body.len() >= length {
                return Some(Request {
                    path: head.split(' ').nth(1)?.to_owned(),
                    content_type: header("content-type").unwrap_or_default(),
                    head: head.to_owned(),
                    body: body.to_owned(),
                });
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}
