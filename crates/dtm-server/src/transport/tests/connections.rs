//! Connections: made, refused, reused, closed.

use std::net::TcpListener;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use dtm_core::model::Outcome;

use super::fixtures::{Server, answer, call, cause, headers, transport};
use crate::transport::{Contact, Transport};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_refused_connection_is_unknown() {
    let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let attempt =
        transport().attempt(&call(&format!("http://{address}/a?token=x")), &headers([]), LONG).await;
    let cause = cause(&attempt.outcome);
    assert!(cause.starts_with(&format!("http://{address}: could not connect: ")), "{cause}");
    assert!(cause.contains("refused"), "{cause}");
    assert_eq!(attempt.contact, Contact::NotReached);
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_unknown() {
    let attempt = transport().attempt(&call("http://no-such-host.invalid/a"), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("could not connect"), "{attempt:?}");
    assert_eq!(attempt.contact, Contact::NotReached);
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let mut server = Server::answering(answer("200 OK", "{}")).await;
    let transport = transport();
    for _ in 0..100 {
        assert_eq!(transport.call(&call(&server.url("/a")), &headers([])).await, Outcome::Success);
        // the pool takes a connection back in a task of its own, now and then after the next call
        assert!(server.next().connection < 10);
    }
}

#[tokio::test]
async fn a_pooled_connection_that_the_server_closed_is_replaced() {
    let (close, closed) = (mpsc::channel(1), mpsc::channel(1));
    let (closing, mut watch) = (closed.0, closed.1);
    let (close, gate) = (close.0, std::sync::Arc::new(tokio::sync::Mutex::new(close.1)));
    let mut server = Server::start(move |mut peer| {
        let (gate, closing) = (gate.clone(), closing.clone());
        async move {
            peer.request().await.unwrap();
            peer.stream.write_all(answer("200 OK", "").as_bytes()).await.unwrap();
            gate.lock().await.recv().await.unwrap();
            peer.stream.shutdown().await.unwrap();
            drop(peer);
            closing.send(()).await.unwrap();
        }
    })
    .await;
    let transport = transport();
    let branch = call(&server.url("/a"));
    assert_eq!(transport.call(&branch, &headers([])).await, Outcome::Success);
    assert_eq!(server.next().connection, 0);

    close.send(()).await.unwrap();
    watch.recv().await.unwrap();
    assert_eq!(transport.call(&branch, &headers([])).await, Outcome::Success);
    assert_eq!(server.next().connection, 1);
    assert!(server.received.try_recv().is_err(), "each call was sent once");
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    // promise: nothing is done twice by ourselves
    let mut server = Server::start(|mut peer| async move {
        peer.request().await.unwrap();
        peer.stream.write_all(answer("200 OK", "").as_bytes()).await.unwrap();
        // takes the second request of the connection, and dies before it answers
        peer.request().await.unwrap();
    })
    .await;
    let transport = transport();
    let branch = call(&server.url("/a"));
    let mut requests = vec![];
    let outcome = loop {
        let outcome = transport.call(&branch, &headers([])).await;
        requests.push(server.next().connection);
        // a call that was faster than the pool got a connection of its own
        if outcome != Outcome::Success || requests.len() == 100 {
            break outcome;
        }
    };
    assert!(cause(&outcome).contains("no answer: "), "{outcome:?}");
    let last = requests.pop().unwrap();
    assert!(requests.contains(&last), "over a pooled connection");
    assert!(server.received.try_recv().is_err(), "and once only");
}
