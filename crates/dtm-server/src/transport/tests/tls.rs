//! Calls over TLS.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tokio::io::AsyncWriteExt;

use dtm_core::model::Outcome;
use dtm_proto::outcome::ResultProtocol;

use super::fixtures::{Server, call, cause, config, headers, transport};
use crate::transport::{Contact, HttpClient, HttpTransport, Transport};

const LONG: Duration = Duration::from_secs(60);

fn trusting(certificate: &CertificateDer<'static>) -> HttpTransport {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    HttpTransport::by(HttpClient::with_roots(&config(), roots).unwrap(), ResultProtocol::Compat)
}

/// A TLS server that answers one request with 200, and its certificate.
fn tls_server() -> (String, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{BufRead, BufReader, Write};
        let (socket, _) = listener.accept().unwrap();
        let session = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(session, socket));
        let mut line = String::new();
        // ends early when the client refuses the certificate
        while matches!(stream.read_line(&mut line), Ok(1..)) && !line.ends_with("\r\n\r\n") {}
        drop(stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        drop(stream.get_mut().flush());
    });
    (format!("https://localhost:{port}/a"), certificate)
}

#[tokio::test]
async fn a_trusted_server_is_called() {
    let (url, certificate) = tls_server();
    let outcome = trusting(&certificate).call(&call(&url), &headers([])).await;
    assert_eq!(outcome, Outcome::Success);
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_unknown_and_gets_no_request() {
    let (url, _) = tls_server();
    let (_, another) = tls_server();
    let attempt = trusting(&another).attempt(&call(&url), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("could not connect"), "{attempt:?}");
    assert!(cause(&attempt.outcome).contains("certificate"), "{attempt:?}");
    assert_eq!(attempt.contact, Contact::NotReached);
}

#[tokio::test]
async fn a_server_without_tls_is_unknown() {
    let server = Server::start(|mut peer| async move {
        peer.stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    })
    .await;
    let (_, certificate) = tls_server();
    let url = format!("https://{}/a", server.address);
    let attempt = trusting(&certificate).attempt(&call(&url), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("could not connect"), "{attempt:?}");
}

#[tokio::test]
async fn a_server_that_never_ends_the_handshake_costs_the_connect_time_out() {
    let server = Server::start(|peer| async move {
        let _open = peer;
        std::future::pending().await
    })
    .await;
    let (_, certificate) = tls_server();
    let url = format!("https://{}/a", server.address);
    let attempt = trusting(&certificate).attempt(&call(&url), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("no connection within 0.5 s"), "{attempt:?}");
    assert_eq!(attempt.contact, Contact::NotReached);
}

#[tokio::test]
async fn without_root_certificates_https_is_unknown_and_says_what_to_do() {
    let attempt = transport().attempt(&call("https://localhost:1/a"), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("install ca-certificates"), "{attempt:?}");
    assert_eq!(attempt.contact, Contact::Inconclusive);
}
