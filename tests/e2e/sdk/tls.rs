//! The way to the server through TLS.

use std::sync::Arc;

use dtm_client::{Client, Error, Step};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::world::{ALL, Protocol, World};

/// Ends TLS in front of a server, as a gateway does.
struct Gateway {
    port: u16,
    authority: String,
}

impl Gateway {
    async fn to(server_port: u16, protocol: Protocol) -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let mut config = config.with_single_cert(vec![own.cert.der().clone()], key).expect("they fit");
        if protocol == Protocol::Grpc {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", server_port)).await;
                    // whoever does not trust the certificate hangs up
                    if let (Ok(mut client), Ok(mut server)) = (acceptor.accept(stream).await, server) {
                        copy_bidirectional(&mut client, &mut server).await.ok();
                    }
                });
            }
        });
        Self { port, authority: own.cert.pem() }
    }
}

#[tokio::test]
async fn a_certificate_of_ones_own_authority_is_trusted_when_it_is_named_and_not_otherwise() {
    for protocol in ALL {
        let world = World::start(protocol).await;
        let server_port =
            if protocol == Protocol::Grpc { world.server.grpc_port() } else { world.server.port() };
        let gateway = Gateway::to(server_port, protocol).await;
        let address = format!("https://localhost:{}", gateway.port);
        let builder = || match protocol {
            Protocol::Http => Client::builder(&address),
            Protocol::JsonRpc => Client::json_rpc_builder(&address),
            Protocol::Grpc => Client::grpc_builder(&address),
        };
        let stranger = builder().build().unwrap();
        let error = stranger.saga("g").step(Step::new(world.url("a1"), "")).submit().await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{protocol:?}: {error}");
        assert!(!world.server.query("g").await.exists(), "{protocol:?}");

        let friend = builder().certificate_authority(gateway.authority.clone()).build().unwrap();
        let saga = friend.saga("g").step(Step::new(world.url("a1"), "")).wait_result();
        saga.submit().await.unwrap_or_else(|error| panic!("{protocol:?}: {error}"));
    }
}
