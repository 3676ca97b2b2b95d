//! Several addresses.

use std::sync::Arc;
use std::time::Duration;

use dtm_client::{Client, ClientBuilder, Error, Retry, Status, Step};
use tokio::net::TcpListener;

use super::tcc::branch;
use super::world::{ALL, Protocol, World};
use crate::harness::{Branches, Place, Server, Settings};

/// A port at which nobody listens.
async fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// As `address` of the builder, for the protocol.
fn with_address(builder: ClientBuilder, protocol: Protocol, http_port: u16, grpc_port: u16) -> ClientBuilder {
    match protocol {
        Protocol::Grpc => builder.address(&format!("127.0.0.1:{grpc_port}")),
        Protocol::Http | Protocol::JsonRpc => builder.address(&format!("http://127.0.0.1:{http_port}")),
    }
}

#[tokio::test]
async fn an_address_at_which_nobody_is_does_not_matter() {
    for protocol in ALL {
        let world = World::start(protocol).await;
        let dead = dead_port().await;
        // the order is drawn, so try often enough to have both
        for number in 0..6 {
            let client =
                with_address(world.builder(), protocol, dead, dead).retry(Retry::never()).build().unwrap();
            let gid = format!("g{number}");
            client.saga(&*gid).step(Step::new(world.url("a1"), "")).submit().await.unwrap();
            let run = client.tcc(format!("t{number}")).run(async |tcc| {
                branch(&tcc, &world, 1).call(&serde_json::json!({})).await?;
                Ok(())
            });
            run.await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_address_that_is_silent_is_left_after_a_time_out() {
    // A listener that accepts and says nothing: what a server that stands still looks like.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    for protocol in ALL {
        let world = World::start(protocol).await;
        for number in 0..6 {
            let client = with_address(world.builder(), protocol, silent_port, silent_port)
                .timeout(Duration::from_millis(300))
                .build()
                .unwrap();
            let saga = client.saga(format!("g{number}")).step(Step::new(world.url("a1"), ""));
            // a time-out is not repeated: the caller decides
            if let Err(error) = saga.submit().await {
                assert!(matches!(error, Error::Unknown { .. }), "{protocol:?}: {error}");
                saga.submit().await.unwrap_or_else(|error| panic!("{protocol:?}: {error}"));
            }
        }
    }
}

/// Two servers on one store; `None`, after saying so, when the store is not one that servers can share.
async fn two() -> Option<(Server, Server)> {
    let place = Arc::new(Place::shared()?);
    let settings = Settings::default;
    Some((settings().start_at(&place).await, settings().start_at(&place).await))
}

#[tokio::test]
async fn when_a_server_dies_the_other_one_goes_on_with_what_the_client_had_begun() {
    // I1: prepared and registered with one, submitted with the other
    let Some((first, second)) = two().await else { return };
    let branches = Branches::start().await;
    let address = |server: &Server| format!("http://127.0.0.1:{}", server.port());
    let client = Client::builder(&address(&first)).address(&address(&second)).build().unwrap();
    let mut servers = [first, second];
    for gid in ["g1", "g2"] {
        let url = |name: &str| branches.url(name);
        let servers = &mut servers;
        let run = client.tcc(gid).run(async |tcc| {
            let branch = tcc.branch(url("/try")).confirm(url("/confirm")).cancel(url("/cancel"));
            branch.call(&1).await?;
            if gid == "g1" {
                servers[0].kill().await;
            } else {
                servers[0].restart().await;
                servers[1].kill().await;
            }
            Ok(())
        });
        run.await.unwrap();
        assert_eq!(client.wait(gid).await.unwrap().status, Status::Succeed);
    }
    assert_eq!(branches.paths(), ["/try", "/confirm", "/try", "/confirm"]);
}
