//! What comes back: behaviour 55, and everything that a sick branch may send instead.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use dtm_core::model::{Outcome, Seconds};
use dtm_proto::outcome::ResultProtocol;

use super::fixtures::{Server, answer, call, cause, headers, transport, transport_with};
use crate::transport::{Attempt, Contact, Transport};

async fn attempt_of(server: &Server, limit: Duration) -> Attempt {
    transport().attempt(&call(&server.url("/a")), &headers([]), limit).await
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn an_answer_is_read_by_the_result_table() {
    // behaviour 55, decision 3
    let failure = |reason: &str| Outcome::Failure { reason: reason.to_owned() };
    let old_style = r#"{"dtm_result":"FAILURE"}"#;
    for (status, body, results, expected) in [
        ("200 OK", "{}", ResultProtocol::Compat, Outcome::Success),
        ("200 OK", "", ResultProtocol::Compat, Outcome::Success),
        ("409 Conflict", "no money", ResultProtocol::Compat, failure("no money")),
        ("425 Too Early", "", ResultProtocol::Compat, Outcome::Ongoing),
        ("200 OK", old_style, ResultProtocol::Compat, failure(old_style)),
        ("200 OK", old_style, ResultProtocol::Strict, Outcome::Success),
        ("200 OK", "no FAILURE", ResultProtocol::Compat, Outcome::Success),
        ("200 OK", "no FAILURE", ResultProtocol::Legacy, failure("no FAILURE")),
    ] {
        let server = Server::answering(answer(status, body)).await;
        let outcome = transport_with(results).call(&call(&server.url("/a")), &headers([])).await;
        assert_eq!(outcome, expected, "{status} {body} {results:?}");
    }
    for status in ["201 Created", "202 Accepted", "400 Bad Request", "404 Not Found", "500 Oops", "503 Busy"]
    {
        let server = Server::answering(answer(status, "{}")).await;
        let attempt = attempt_of(&server, LONG).await;
        assert!(cause(&attempt.outcome).contains(&status[..3]), "{attempt:?}");
        assert_eq!(attempt.contact, Contact::Answered);
    }
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(cause(&attempt_of(&server, LONG).await.outcome).contains("204"));
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let mut elsewhere = Server::answering(answer("200 OK", "")).await;
        let head = format!("HTTP/1.1 {status}\r\nlocation: {}\r\n", elsewhere.url("/b"));
        let server = Server::answering(format!("{head}content-length: 7\r\n\r\nFAILURE")).await;
        let outcome = attempt_of(&server, LONG).await.outcome;
        assert!(cause(&outcome).contains(&status[..3]), "{outcome:?}");
        assert!(elsewhere.received.try_recv().is_err());
    }
}

/// A server that never stops to send, and reports when its connection was dropped.
async fn endless(head: &'static str) -> (Server, mpsc::Receiver<()>) {
    let (dropped, watch) = mpsc::channel(1);
    let server = Server::start(move |mut peer| {
        let dropped = dropped.clone();
        async move {
            peer.request().await.unwrap();
            peer.stream.write_all(head.as_bytes()).await.unwrap();
            let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
            while peer.stream.write_all(chunk.as_bytes()).await.is_ok() {}
            dropped.send(()).await.unwrap();
        }
    })
    .await;
    (server, watch)
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit_and_decided_by_the_status() {
    let ok = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (server, mut dropped) = endless(ok).await;
    let outcome = attempt_of(&server, LONG).await.outcome;
    assert!(cause(&outcome).contains("limit of 65536 bytes"), "{outcome:?}");
    dropped.recv().await.unwrap();

    let conflict = "HTTP/1.1 409 Conflict\r\ntransfer-encoding: chunked\r\n\r\n";
    let outcome = attempt_of(&endless(conflict).await.0, LONG).await.outcome;
    assert!(matches!(&outcome, Outcome::Failure { reason } if reason.contains("65536")), "{outcome:?}");

    let early = "HTTP/1.1 425 Too Early\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(attempt_of(&endless(early).await.0, LONG).await.outcome, Outcome::Ongoing);
}

#[tokio::test]
async fn a_body_that_is_announced_too_long_is_not_read() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 65537\r\n\r\nx").await;
    let attempt = attempt_of(&server, LONG).await;
    assert!(cause(&attempt.outcome).contains("limit of 65536 bytes"), "{attempt:?}");
    assert_eq!(attempt.contact, Contact::Answered);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_in_many_pieces_is_read() {
    let mut body = r#"{"dtm_result":"FAILURE"}"#.to_owned();
    body.push_str(&" ".repeat(65_536 - body.len()));
    let server = Server::start(move |mut peer| {
        let body = body.clone();
        async move {
            peer.request().await.unwrap();
            peer.stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
            for piece in body.as_bytes().chunks(1_000) {
                let head = format!("{:x}\r\n", piece.len());
                peer.stream.write_all(&[head.as_bytes(), piece, b"\r\n"].concat()).await.unwrap();
            }
            peer.stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let outcome = attempt_of(&server, LONG).await.outcome;
    assert!(matches!(&outcome, Outcome::Failure { reason } if reason.len() == 65_536), "{outcome:?}");
}

#[tokio::test]
async fn half_a_body_is_unknown_whatever_the_status() {
    for status in ["200 OK", "409 Conflict", "425 Too Early"] {
        for framing in ["content-length: 10\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\na\r\nhello"] {
            let bytes = format!("HTTP/1.1 {status}\r\n{framing}");
            let server = Server::start(move |mut peer| {
                let bytes = bytes.clone();
                async move {
                    peer.request().await.unwrap();
                    peer.stream.write_all(bytes.as_bytes()).await.unwrap();
                }
            })
            .await;
            let outcome = attempt_of(&server, LONG).await.outcome;
            assert!(cause(&outcome).contains("the body broke off"), "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_an_answer_is_unknown() {
    for bytes in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-le", "220 mail server ready\r\n\r\n"] {
        let server = Server::start(move |mut peer| async move {
            peer.request().await.unwrap();
            peer.stream.write_all(bytes.as_bytes()).await.unwrap();
        })
        .await;
        let attempt = attempt_of(&server, LONG).await;
        assert!(cause(&attempt.outcome).contains("no answer: "), "{attempt:?}");
        assert_eq!(attempt.contact, Contact::Inconclusive);
    }
}

#[tokio::test]
async fn a_branch_that_never_answers_costs_its_own_time_out() {
    // behaviour 53
    let server = Server::start(|mut peer| async move {
        peer.request().await.unwrap();
        std::future::pending().await
    })
    .await;
    let mut branch = call(&server.url("/a"));
    branch.timeout = Seconds::new(1);
    let started = Instant::now();
    let outcome = transport().call(&branch, &headers([])).await;
    assert_eq!(cause(&outcome), format!("http://{}: no answer within 1 s", server.address));
    assert!((1_000..2_500).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert_eq!(attempt_of(&server, SHORT).await.contact, Contact::TimedOut);
}

#[tokio::test]
async fn a_body_that_never_ends_costs_its_own_time_out() {
    for status in ["200 OK", "409 Conflict"] {
        let server = Server::answering(format!("HTTP/1.1 {status}\r\ncontent-length: 10\r\n\r\nhello")).await;
        let attempt = attempt_of(&server, SHORT).await;
        assert!(cause(&attempt.outcome).contains("did not end within 0.2 s"), "{attempt:?}");
        assert_eq!(attempt.contact, Contact::Answered);
    }
}

#[tokio::test]
async fn a_header_bomb_is_unknown_and_its_values_are_not_repeated() {
    let many: String = (0..10_000).map(|n| format!("x-bomb-{n}: secret\r\n")).collect();
    let long = format!("x-bomb: {}\r\n", "secret".repeat(1_000_000));
    for bomb in [many, long] {
        let server = Server::start(move |mut peer| {
            let bomb = bomb.clone();
            async move {
                peer.request().await.unwrap();
                let bytes = format!("HTTP/1.1 200 OK\r\n{bomb}content-length: 0\r\n\r\n");
                // the other side does not read to the end
                drop(peer.stream.write_all(bytes.as_bytes()).await);
            }
        })
        .await;
        let attempt = attempt_of(&server, LONG).await;
        let cause = cause(&attempt.outcome);
        assert!(cause.contains("no answer: ") && !cause.contains("secret"), "{cause}");
    }
}
