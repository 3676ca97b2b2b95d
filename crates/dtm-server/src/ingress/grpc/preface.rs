//! Whether a connection is HTTP/2 at all: the first bytes of every client are the same.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What an HTTP/2 client sends first.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const TEXT: &str =
    "this port speaks gRPC (HTTP/2 without TLS); the HTTP API is at the port of the setting HttpPort\n";
/// How much of a request in another protocol is read away, so that its sender sees the answer and not a broken
/// connection, and for how long.
const DISCARDED_BYTES_MAX: usize = 64 << 10;
const DISCARDED_TIME_MAX: Duration = Duration::from_secs(1);

/// Reads the preface. False when the client sends something else, which is told so if it is HTTP/1, or too little
/// within `limit`; the connection is of no use then.
pub(super) async fn has_come(stream: &mut TcpStream, limit: Duration) -> bool {
    let mut first = [0; PREFACE.len()];
    match timeout(limit, read(stream, &mut first)).await {
        Ok(Beginning::Preface) => true,
        Ok(Beginning::Other(count)) => {
            if first.first().is_some_and(u8::is_ascii_alphabetic) && count > 0 {
                refuse(stream).await;
            }
            false
        }
        Err(_) => false,
    }
}

enum Beginning {
    Preface,
    /// As many bytes of something else.
    Other(usize),
}

async fn read(stream: &mut TcpStream, first: &mut [u8; PREFACE.len()]) -> Beginning {
    let mut count = 0;
    while count < PREFACE.len() {
        match stream.read(&mut first[count..]).await {
            Ok(0) | Err(_) => return Beginning::Other(count),
            Ok(more) => count += more,
        }
        if first[..count] != PREFACE[..count] {
            return Beginning::Other(count);
        }
    }
    Beginning::Preface
}

async fn refuse(stream: &mut TcpStream) {
    let answer = format!(
        "HTTP/1.1 505 HTTP Version Not Supported\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{TEXT}",
        TEXT.len()
    );
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        let mut discarded = 0;
        let mut buffer = [0; 4_096];
        while discarded < DISCARDED_BYTES_MAX {
            match stream.read(&mut buffer).await? {
                0 => break,
                count => discarded += count,
            }
        }
        Ok::<_, std::io::Error>(())
    };
    if let Ok(Err(error)) = timeout(DISCARDED_TIME_MAX, told).await {
        tracing::debug!(%error, "a client that does not speak HTTP/2 left");
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What becomes of a connection on which these pieces are sent, and what is answered.
    async fn after(pieces: &[&[u8]], limit: Duration) -> (bool, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let serving = tokio::spawn(async move { has_come(&mut server, limit).await });
        for piece in pieces {
            client.write_all(piece).await.unwrap();
        }
        let mut answer = String::new();
        let come = serving.await.unwrap();
        client.read_to_string(&mut answer).await.ok();
        (come, answer)
    }

    #[tokio::test]
    async fn the_preface_is_recognised_in_whatever_pieces_and_nothing_else_is() {
        let long = Duration::from_secs(30);
        assert!(after(&[PREFACE], long).await.0);
        assert!(after(&[&PREFACE[..3], &PREFACE[3..23], &PREFACE[23..]], long).await.0);
        let (come, answer) = after(&[b"POST /api HTTP/1.1\r\nhost: x\r\n\r\n"], long).await;
        assert!(!come && answer.starts_with("HTTP/1.1 505 ") && answer.contains("HttpPort"), "{answer}");
        let (come, answer) = after(&[b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"], long).await;
        assert!(!come && answer.is_empty(), "TLS gets no text: {answer}");
    }

    #[tokio::test]
    async fn who_says_nothing_or_stops_halfway_is_not_waited_for() {
        let short = Duration::from_millis(50);
        assert!(!after(&[], short).await.0);
        assert!(!after(&[&PREFACE[..10]], short).await.0);
    }
}
