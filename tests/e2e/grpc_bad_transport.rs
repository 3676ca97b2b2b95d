//! What is no gRPC call, or none of ours: each has a decided answer and stores nothing.

use prost::Message;
use tonic::Code;

use crate::harness::grpc::{SUBMIT, assert_unharmed, framed, raw_call, tcc};
use crate::harness::{Connection, Server};

#[tokio::test]
async fn unknown_methods_and_services_are_unimplemented() {
    let server = Server::start().await;
    for path in [
        "/dtmgimp.Dtm/Nothing",
        "/dtmgimp.Dtm/",
        "/dtmgimp.Dtm/submit",
        "/dtmgimp.dtm/Submit",
        "/grpc.health.v1.Health/Nothing",
        "/",
        "//",
    ] {
        let reply = raw_call(server.grpc_port(), path, &[], framed(&tcc("g").encode_to_vec())).await;
        assert_eq!(reply.status().code(), Code::Unimplemented, "{path}: {reply:?}");
    }
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn a_request_that_is_no_call_is_told_so() {
    let server = Server::start().await;
    for content_type in ["application/json", "application/grpc-web+proto", "text/plain"] {
        let headers = [("content-type", content_type)];
        let reply = raw_call(server.grpc_port(), SUBMIT, &headers, framed(&tcc("g").encode_to_vec())).await;
        assert_eq!(reply.http_status, 415, "{content_type}: {reply:?}");
        assert!(String::from_utf8_lossy(&reply.body).contains("HttpPort"), "{reply:?}");
    }
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn a_deadline_that_is_none_is_refused_and_one_that_has_passed_is_exceeded() {
    let server = Server::start().await;
    let message = framed(&tcc("g").encode_to_vec());
    for (timeout, code) in [
        ("soon", Code::InvalidArgument),
        ("-1S", Code::InvalidArgument),
        ("123456789S", Code::InvalidArgument),
        ("0n", Code::DeadlineExceeded),
    ] {
        let headers = [("grpc-timeout", timeout)];
        let reply = raw_call(server.grpc_port(), SUBMIT, &headers, message.clone()).await;
        assert_eq!(reply.status().code(), code, "{timeout}: {reply:?}");
    }
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn metadata_over_the_limit_is_refused() {
    let server = Server::start().await;
    let long = "x".repeat(100_000);
    let headers = [("x-long", long.as_str())];
    let reply = raw_call(server.grpc_port(), SUBMIT, &headers, framed(&tcc("g").encode_to_vec())).await;
    assert_eq!(reply.http_status, 431, "{reply:?}");
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn http_1_on_the_port_of_grpc_is_told_where_to_go() {
    let server = Server::start().await;
    let mut connection = Connection::to(server.grpc_port()).await;
    connection.send(b"POST /api/dtmsvr/submit HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}").await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, Some(505), "{answer:?}");
    assert!(answer.body.contains("HttpPort"), "{answer:?}");
    // TLS gets no text, and nobody is kept waiting.
    let mut connection = Connection::to(server.grpc_port()).await;
    connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    assert_eq!(connection.answer().await.status, None);
    assert_unharmed(&server).await;
}

#[tokio::test]
async fn frames_that_are_none_end_their_connection_only() {
    let server = Server::start().await;
    let mut connection = Connection::to(server.grpc_port()).await;
    connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    connection.send(&[0xff; 4_096]).await;
    assert_eq!(connection.answer().await.status, None);
    assert_unharmed(&server).await;
}
