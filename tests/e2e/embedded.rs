//! What only a server with the embedded store can be asked: its folder, its disk. Left out on other stores.

use serde_json::json;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::grpc::{channel, origin};
use crate::harness::{Branches, Server, Settings, With, saga};

#[tokio::test]
async fn a_second_server_on_the_same_folder_refuses_to_start_and_says_who_holds_it() {
    let server = Server::start().await;
    let second = server.second_on_same_folder().await;
    assert!(!second.status.success() && second.status.code().is_some(), "{second:?}");
    let folder = server.data().display().to_string();
    for words in [folder.as_str(), "dtm-server:"] {
        assert!(second.log.contains(words), "{words} is not in:\n{}", second.log);
    }
    assert!(!second.log.contains("panicked"), "{}", second.log);
    assert_eq!(server.get("/api/ping").await.status, 200, "the first one is unharmed");
}

#[tokio::test]
async fn the_folder_is_free_again_after_a_kill() {
    let mut server = Server::start().await;
    server.kill().await;
    server.restart().await;
    assert_eq!(server.get("/api/ping").await.status, 200);
}

#[tokio::test]
async fn when_the_store_cannot_save_the_request_fails_and_no_branch_is_called() {
    // defect R18, decision 27
    let branches = Branches::start().await;
    let server = Settings::default().with_small_disk(2 << 20).start().await;
    let payload = "x".repeat(400_000);
    let mut refused = None;
    for number in 0..50 {
        let gid = format!("g{number}");
        let body = saga(&gid, &branches, 1).with("payloads", json!([payload]));
        let answer = server.post("submit", &body).await;
        if answer.status != 200 {
            assert_eq!(answer.status, 500, "{answer:?}");
            assert!(answer.json().get("dtm_result").is_none(), "{answer:?}");
            refused = Some(gid);
            break;
        }
    }
    let refused = refused.expect("the disk is full before long");
    assert!(branches.calls().iter().all(|call| call.gid() != refused), "{refused} was called");
}

#[tokio::test]
async fn a_server_whose_store_takes_no_writes_does_not_serve() {
    // defect R18
    let branches = Branches::start().await;
    let server = Settings::default().with_small_disk(2 << 20).start().await;
    let mut watch = HealthClient::with_origin(channel(), origin(server.grpc_port()))
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut next = async || watch.message().await.unwrap().unwrap().status();
    assert_eq!(next().await, ServingStatus::Serving);
    let payload = "x".repeat(400_000);
    for number in 0..50 {
        let body = saga(&format!("g{number}"), &branches, 1).with("payloads", json!([payload]));
        if server.post("submit", &body).await.status != 200 {
            break;
        }
    }
    assert_eq!(next().await, ServingStatus::NotServing);
}
