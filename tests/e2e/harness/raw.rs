//! Bytes on a socket, for what no client library sends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::PATIENCE;

/// A connection to the server.
pub(crate) struct Connection {
    reading: OwnedReadHalf,
    writing: OwnedWriteHalf,
}

/// What came back before the server closed the connection, or ended its answer.
#[derive(Debug, Clone)]
pub(crate) struct RawAnswer {
    /// `None` when the connection was closed without an answer.
    pub(crate) status: Option<u16>,
    pub(crate) body: String,
}

impl Connection {
    pub(crate) async fn to(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server accepts");
        let (reading, writing) = stream.into_split();
        Self { reading, writing }
    }

    /// Sends bytes. False when the server has closed the connection.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.writing.write_all(bytes).await.is_ok()
    }

    /// Sends a chunk of a chunked body again and again, up to `count` times, until the server answers or closes.
    pub(crate) async fn send_chunks(mut self, chunk: &[u8], count: usize) -> RawAnswer {
        let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
        let mut writing = self.writing;
        let sending = tokio::spawn(async move {
            for _ in 0..count {
                if writing.write_all(&framed).await.is_err() {
                    return;
                }
            }
            writing.write_all(b"0\r\n\r\n").await.ok();
        });
        let answer = read(&mut self.reading).await;
        sending.abort();
        answer
    }

    /// Reads the answer.
    pub(crate) async fn answer(&mut self) -> RawAnswer {
        read(&mut self.reading).await
    }
}

async fn read(reading: &mut OwnedReadHalf) -> RawAnswer {
    let mut bytes = Vec::new();
    let all = async {
        let mut buffer = [0; 8_192];
        while !is_complete(&bytes) {
            match reading.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            }
        }
    };
    timeout(PATIENCE, all).await.expect("the server answers or closes the connection");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    RawAnswer { status, body: body.to_owned() }
}

/// Whether a head has come, and a body as long as it announces.
fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    length.is_some_and(|length| body.len() >= length)
}
