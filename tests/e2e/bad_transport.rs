//! Requests that no client library sends: too large, too slow, never finished.

use crate::harness::{Connection, Server, Settings, With, both, saga};

const MEBIBYTE: usize = 1 << 20;

/// The head of a submit.
fn head(more: &str) -> Vec<u8> {
    format!("POST /api/dtmsvr/submit HTTP/1.1\r\nhost: x\r\n{more}\r\n").into_bytes()
}

async fn assert_unharmed(server: &Server) {
    let all = server.get("/api/dtmsvr/all").await;
    assert_eq!(all.parts(), (200, r#"{"next_position":"","transactions":[]}"#));
}

#[tokio::test]
async fn a_body_of_100_mb_is_refused_and_takes_bounded_memory_announced_or_not() {
    let server = Server::start().await;
    let before = server.peak_memory();
    let mut announced = Connection::to(server.port()).await;
    announced.send(&head("content-length: 104857600\r\n")).await;
    let answer = announced.answer().await;
    assert_eq!(answer.status, Some(413), "before a byte of it was sent: {answer:?}");
    assert!(answer.body.contains("MaxRequestBytes"), "{answer:?}");

    let mut chunked = Connection::to(server.port()).await;
    chunked.send(&head("transfer-encoding: chunked\r\n")).await;
    let answer = chunked.send_chunks(&vec![b' '; MEBIBYTE], 100).await;
    assert_eq!(answer.status, Some(413), "{answer:?}");
    assert!(answer.body.contains("MaxRequestBytes"), "{answer:?}");

    let grown = server.peak_memory() - before;
    assert!(grown < 64 << 20, "grew by {grown} bytes");
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_large_body_first_still_gets_its_answer() {
    let (server, branches) = both().await;
    let body = saga("g", &branches, 1).with("payloads", vec!["x".repeat(12 * MEBIBYTE)]);
    let answer = server.post("submit", &body).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn the_limit_of_a_body_can_be_set() {
    let server = Settings::default().with("MAX_REQUEST_BYTES", 2_048).start().await;
    let fits = format!(r#"{{"gid":"g","trans_type":"tcc","x":"{}"}}"#, "x".repeat(1_900));
    assert_eq!(server.post_text("prepare", fits).await.status, 200);
    let exceeds = format!(r#"{{"gid":"h","trans_type":"tcc","x":"{}"}}"#, "x".repeat(2_100));
    assert_eq!(server.post_text("prepare", exceeds).await.status, 413);
}

#[tokio::test]
async fn a_header_bomb_is_refused_by_size_and_by_number() {
    let server = Server::start().await;
    let before = server.peak_memory();
    for bomb in [
        format!("x-large: {}\r\n", "x".repeat(MEBIBYTE)),
        (0..100_000).map(|number| format!("x-{number}: y\r\n")).collect(),
    ] {
        let mut connection = Connection::to(server.port()).await;
        connection.send(&head(&bomb)).await;
        let answer = connection.answer().await;
        assert!([Some(431), None].contains(&answer.status), "{answer:?}");
    }
    let mut connection = Connection::to(server.port()).await;
    let long_target =
        format!("GET /api/dtmsvr/query?gid={} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(MEBIBYTE));
    connection.send(long_target.as_bytes()).await;
    let answer = connection.answer().await;
    assert!([Some(414), Some(431), None].contains(&answer.status), "{answer:?}");
    let grown = server.peak_memory() - before;
    assert!(grown < 32 << 20, "grew by {grown} bytes");
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let server = Server::start().await;
    for nonsense in ["nonsense\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let mut connection = Connection::to(server.port()).await;
        connection.send(nonsense.as_bytes()).await;
        let answer = connection.answer().await;
        assert!([Some(400), Some(505), None].contains(&answer.status), "{nonsense:?}: {answer:?}");
    }
    let mut connection = Connection::to(server.port()).await;
    connection.send(&head("content-length: 10\r\ntransfer-encoding: chunked\r\n")).await;
    connection.send(b"zz\r\nnonsense").await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, Some(400), "{answer:?}");
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let (server, branches) = both().await;
    let body = saga("g", &branches, 1).to_string();
    for length in [body.len() + 1, body.len() + 1_000] {
        let mut connection = Connection::to(server.port()).await;
        connection.send(&head(&format!("content-length: {length}\r\n"))).await;
        connection.send(body.as_bytes()).await;
        drop(connection);
    }
    // A later request of another connection is answered, so both of the broken ones were noticed before long.
    assert_unharmed(&server).await;
    assert!(branches.calls().is_empty());
}

#[tokio::test]
async fn heads_that_never_end_cost_nobody_else_anything_and_end_with_their_connection() {
    let mut server = Server::start().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut connection = Connection::to(server.port()).await;
        connection.send(b"POST /api/dtmsvr/submit HTTP/1.1\r\nhost: x\r\nx-slow: ").await;
        slow.push(connection);
    }
    for _ in 0..20 {
        assert_eq!(server.get("/api/ping").await.status, 200);
    }
    assert_unharmed(&server).await;
    for mut connection in slow {
        let answer = connection.answer().await;
        assert!([Some(408), None].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(server.stop().await.status.code(), Some(0));
}
