//! gRPC from the client to the branches, as Go, C# and Node use it.

use dtm_proto::grpc::dtmgimp::{DtmRequest, DtmTopicRequest, DtmTransOptions};
use serde_json::json;
use tonic::Code;

use crate::harness::grpc::refused;
use crate::harness::grpc_bodies::{of_type, saga, tcc_branch, waiting};
use crate::harness::{GrpcBranches, GrpcReply, Server};

async fn all() -> (Server, GrpcBranches) {
    (Server::start().await, GrpcBranches::start().await)
}

#[tokio::test]
async fn a_saga_carries_bytes_and_headers_to_its_branches() {
    // behaviour 44, 45
    let (server, branches) = all().await;
    let headers = [("x-token".to_owned(), "t".to_owned())].into();
    let options = DtmTransOptions { branch_headers: headers, ..DtmTransOptions::default() };
    let payloads: [&[u8]; 2] = [b"\x00\xff", b""];
    let request = saga("g", |method| branches.url(method), &payloads);
    server.grpc().submit(DtmRequest { trans_options: Some(options), ..request }).await.unwrap();
    assert_eq!(server.end_of("g").await.status(), "succeed");
    let calls = branches.calls();
    assert_eq!(calls.iter().map(|call| &*call.message).collect::<Vec<_>>(), payloads);
    for call in calls {
        assert_eq!(
            (call.header("dtm-gid"), call.header("dtm-op"), call.header("x-token")),
            ("g", "action", "t")
        );
    }
}

#[tokio::test]
async fn a_branch_that_fails_rolls_back_and_its_text_reaches_the_client() {
    // behaviour 43, 46, 58, 68
    let (server, branches) = all().await;
    branches.on("a2", [GrpcReply::of(Code::Aborted, "no stock")]);
    let request = waiting(saga("g", |method| branches.url(method), &[b"1", b"2"]));
    let answer = refused(server.grpc().submit(request).await);
    assert_eq!((answer.code, answer.stands.as_str()), (Code::Aborted, "failed"));
    assert!(answer.message.contains("no stock") && answer.message.ends_with("FAILURE"), "{answer:?}");
    assert_eq!(server.query("g").await.rows(), "s s s f");
}

#[tokio::test]
async fn a_tcc_registers_methods_and_confirms_them() {
    // behaviour 44, 75
    let (server, branches) = all().await;
    let mut grpc = server.grpc();
    grpc.prepare(of_type("t", "tcc")).await.unwrap();
    for number in [1, 2] {
        grpc.register_branch(tcc_branch("t", number, |method| branches.url(method))).await.unwrap();
    }
    grpc.submit(of_type("t", "tcc")).await.unwrap();
    assert_eq!(server.end_of("t").await.status(), "succeed");
    let methods: Vec<_> = branches.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["confirm2", "confirm1"]);
}

#[tokio::test]
async fn a_message_goes_to_whoever_subscribes_over_grpc() {
    // behaviour 33, 86, 87
    let (server, branches) = all().await;
    let mut grpc = server.grpc();
    for method in ["n1", "n2"] {
        let url = branches.url(method);
        grpc.subscribe(DtmTopicRequest { topic: "news".to_owned(), url, remark: String::new() })
            .await
            .unwrap();
    }
    let request = DtmRequest {
        steps: json!([{"action": "topic://news"}]).to_string(),
        bin_payloads: vec![b"hello".to_vec()],
        query_prepared: branches.url("query"),
        ..of_type("m", "msg")
    };
    grpc.prepare(request.clone()).await.unwrap();
    grpc.submit(request).await.unwrap();
    let view = server.end_of("m").await;
    assert_eq!(
        (view.status(), view.row_names()),
        ("succeed", vec!["01-01 action".into(), "01-02 action".into()])
    );
    assert_eq!(
        branches.calls().iter().map(|call| call.text().to_owned()).collect::<Vec<_>>(),
        ["hello", "hello"]
    );
    let unknown =
        DtmRequest { steps: json!([{"action": "topic://olds"}]).to_string(), ..of_type("n", "msg") };
    let answer = refused(grpc.submit(DtmRequest { bin_payloads: vec![vec![]], ..unknown }).await);
    assert_eq!((answer.code, answer.message.as_str()), (Code::Unknown, "topic not found"));
    assert!(!server.query("n").await.exists());
}
