//! Wrong addresses, wrong input: clear errors, and nothing is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_client::branch::BranchError;
use dtm_client::{CallError, Client, Error, Payload, Step, Tcc};

use super::tcc::branch;
use super::world::{ALL, Protocol, World};

#[tokio::test]
async fn the_port_of_another_protocol_is_an_error_that_says_so_and_is_no_success() {
    let world = World::start(Protocol::Http).await;
    let (http, grpc) = (world.server.port(), world.server.grpc_port());
    let quick = Duration::from_secs(2);
    for client in [
        Client::builder(&format!("http://127.0.0.1:{grpc}")).timeout(quick).build(),
        Client::json_rpc_builder(&format!("http://127.0.0.1:{grpc}")).timeout(quick).build(),
        Client::grpc_builder(&format!("127.0.0.1:{http}")).timeout(quick).build(),
        Client::builder(&format!("http://127.0.0.1:{http}/api/elsewhere")).timeout(quick).build(),
        // the other API of the same server
        Client::builder(&format!("http://127.0.0.1:{http}/other/api/json-rpc")).timeout(quick).build(),
    ] {
        let client = client.unwrap();
        let error = client.saga("g").step(Step::new(world.url("a1"), "")).submit().await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. } | Error::Refused { .. }), "{error}");
        println!("{error}");
        let error = client.new_gid().await.unwrap_err();
        assert!(matches!(error, Error::NoAnswer { .. } | Error::Refused { .. }), "{error}");
    }
    assert!(!world.server.query("g").await.exists());
}

#[tokio::test]
async fn what_no_branch_can_be_called_with_is_refused_before_anything_is_registered() {
    let no_json = BTreeMap::from([([1, 2], 3)]);
    for protocol in ALL {
        let world = World::start(protocol).await;
        let client = world.client();
        let run = client.tcc("g").run(async |tcc| {
            for url in ["", "nowhere", "ftp://h/x", "http://"] {
                let error = tcc.branch(url).call(&1).await.unwrap_err();
                assert!(
                    matches!(
                        error,
                        CallError::NotCalled(Error::Invalid { field: "the URL of a branch", .. })
                    ),
                    "{protocol:?} {url}: {error}"
                );
            }
            let error = branch(&tcc, &world, 1).call(&no_json).await.unwrap_err();
            assert!(matches!(error, CallError::NotCalled(Error::Payload { .. })), "{protocol:?}: {error}");
            Ok(())
        });
        run.await.unwrap();
        assert!(world.called().is_empty(), "{protocol:?}");
        assert!(world.server.query("g").await.branches().is_empty(), "{protocol:?}");
    }
}

async fn never(_: Tcc) -> Result<(), BranchError> {
    panic!("nothing is prepared")
}

#[tokio::test]
async fn what_the_server_would_not_take_is_refused_before_the_closure_is_called() {
    let world = World::start(Protocol::Http).await;
    let client = world.client();
    for (field, tcc) in [
        ("gid", client.tcc("")),
        ("gid", client.tcc("line\nfeed")),
        ("timeout_to_fail", client.tcc("g").timeout_to_fail(Duration::ZERO)),
        ("branch_header", client.tcc("g").branch_header("bad name", "v")),
    ] {
        match tcc.run(never).await {
            Err(Error::Invalid { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    let sent = client
        .message("m")
        .do_and_submit("nowhere", async |_| -> Result<(), _> { panic!("nothing is prepared") });
    let error = sent.await.unwrap_err();
    assert!(matches!(error, Error::Invalid { field: "the URL of a branch", .. }), "{error}");
    assert!(!world.server.query("m").await.exists());
}

#[tokio::test]
async fn a_payload_that_is_no_text_goes_over_grpc_only() {
    for protocol in ALL {
        let world = World::start(protocol).await;
        let step = Step::new(world.url("a1"), "").raw_payload(Payload::bytes([0xff]));
        let result = world.client().saga("g").step(step).submit().await;
        match protocol {
            Protocol::Grpc => drop(result.unwrap()),
            Protocol::Http | Protocol::JsonRpc => {
                let error = result.unwrap_err();
                assert!(matches!(error, Error::Invalid { field: "payload", .. }), "{protocol:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_grpc_client_without_an_http_address_cannot_ask_and_says_what_is_missing() {
    let world = World::start(Protocol::Grpc).await;
    let client = Client::grpc(&format!("127.0.0.1:{}", world.server.grpc_port())).unwrap();
    client.saga("g").step(Step::new(world.url("a1"), "")).wait_result().submit().await.unwrap();
    let error = client.status("g").await.unwrap_err();
    assert!(error.to_string().contains("query_address"), "{error}");
}

#[tokio::test]
async fn nobody_waits_for_a_transaction_that_there_is_not() {
    for protocol in ALL {
        let world = World::start(protocol).await;
        let error = world.client().wait("nobody").await.unwrap_err();
        assert!(matches!(error, Error::Refused { code: 404, .. }), "{protocol:?}: {error}");
    }
}
