//! gRPC clients that leave, and a server that stops.

use std::time::Duration;

use dtm_proto::grpc::dtmgimp::{DtmRequest, DtmTransOptions};
use serde_json::json;
use tonic::Code;

use crate::harness::grpc::{framed, raw_call, refused};
use crate::harness::{Branches, Gate, Reply, Server, both};

fn waiting_saga(gid: &str, branches: &Branches) -> DtmRequest {
    let options = DtmTransOptions { wait_result: true, ..DtmTransOptions::default() };
    DtmRequest {
        gid: gid.to_owned(),
        trans_type: "saga".to_owned(),
        steps: json!([{"action": branches.url("/a1"), "compensate": ""}]).to_string(),
        bin_payloads: vec![b"1".to_vec()],
        trans_options: Some(options),
        ..DtmRequest::default()
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_loses_nothing_that_was_accepted() {
    // behaviour 105
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    let (mut grpc, request) = (server.grpc(), waiting_saga("g", &branches));
    let call = tokio::spawn(async move { grpc.submit(request).await });
    branches.wait_for("/a1", 1).await;
    call.abort(); // resets the stream
    assert!(call.await.unwrap_err().is_cancelled());
    gate.open();
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.count("/a1"), 1);
}

#[tokio::test]
async fn a_deadline_that_passes_while_the_transaction_runs_is_answered_and_it_goes_on() {
    // behaviour 105
    let (server, branches) = both().await;
    let gate = Gate::closed();
    branches.on("/a1", [Reply::ok().behind(&gate)]);
    let message = framed(&prost::Message::encode_to_vec(&waiting_saga("g", &branches)));
    let headers = [("grpc-timeout", "300m")];
    let reply = raw_call(server.grpc_port(), "/dtmgimp.Dtm/Submit", &headers, message).await;
    assert_eq!(reply.status().code(), Code::DeadlineExceeded, "{reply:?}");
    gate.open();
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.count("/a1"), 1);
}

#[tokio::test]
async fn a_call_that_waits_is_answered_when_the_server_stops() {
    // decision 28
    let (mut server, branches) = both().await;
    branches.on("/a1", [Reply::ok().after(Duration::from_millis(500))]);
    let (mut grpc, request) = (server.grpc(), waiting_saga("g", &branches));
    let call = tokio::spawn(async move { grpc.submit(request).await });
    branches.wait_for("/a1", 1).await;
    let ended = server.stop().await;
    assert!(ended.status.success(), "{ended:?}");
    if let Err(status) = call.await.unwrap() {
        assert_eq!(status.code(), Code::Unknown, "an answer of the server: {status:?}");
        assert!(status.message().contains("stopping"), "{status:?}");
    }
}

#[tokio::test]
async fn after_a_stop_nobody_is_let_in() {
    // decision 28
    let mut server = Server::start().await;
    let mut grpc = server.grpc();
    grpc.new_gid(()).await.unwrap();
    server.stop().await;
    refused(grpc.new_gid(()).await);
}

#[tokio::test]
async fn a_thousand_calls_at_once_over_one_connection_are_all_answered() {
    let (server, branches) = both().await;
    let grpc = server.grpc();
    let calls: Vec<_> = (0..1_500)
        .map(|number| {
            let (mut grpc, request) = (grpc.clone(), waiting_saga(&format!("g{number}"), &branches));
            tokio::spawn(async move { grpc.submit(request).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(branches.count("/a1"), 1_500);
}

#[tokio::test]
async fn streams_that_are_reset_at_once_do_no_harm() {
    // The attack "rapid reset".
    let (server, branches) = both().await;
    let grpc = server.grpc();
    for number in 0..2_000 {
        let (mut grpc, request) = (grpc.clone(), waiting_saga(&format!("g{number}"), &branches));
        let call = tokio::spawn(async move { grpc.submit(request).await });
        tokio::task::yield_now().await;
        call.abort();
    }
    // A newcomer is served at once, and whatever was accepted comes to its end.
    server.grpc().submit(waiting_saga("good", &branches)).await.unwrap();
    for number in 0..2_000 {
        let gid = format!("g{number}");
        if server.query(&gid).await.exists() {
            assert_eq!(server.end_of(&gid).await.status(), "succeed");
        }
    }
}

#[tokio::test]
async fn a_port_that_is_taken_stops_the_start_and_says_what_to_do() {
    // defect M16
    let server = Server::start().await;
    let second = server.second_on_same_grpc_port().await;
    assert!(!second.status.success() && second.status.code().is_some(), "{second:?}");
    for words in [format!("127.0.0.1:{} for gRPC", server.grpc_port()).as_str(), "--grpc-port"] {
        assert!(second.log.contains(words), "{words} is not in:\n{}", second.log);
    }
    assert!(!second.log.contains("panicked") && !second.log.contains("listening on"), "{}", second.log);
}
