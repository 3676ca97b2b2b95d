//! What the callback answers, hostile input included.

use std::sync::Arc;

use dtm_proto::grpc::workflow::WorkflowData;
use dtm_proto::grpc::workflow::workflow_client::WorkflowClient;
use dtm_workflow::{BranchError, Workflow, Workflows};
use tokio::sync::{Notify, Semaphore};
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status};

use super::site::{Over, Site};
use crate::harness::{Server, grpc};

/// A workflow that ends as its input says.
async fn as_told(_: Workflow, end: String) -> Result<u8, BranchError> {
    match end.as_str() {
        "no" => Err(BranchError::roll_back("no money")),
        "ongoing" => Err(BranchError::Ongoing),
        "later" => Err(std::fmt::Error.into()),
        "panic" => panic!("out of cheese"),
        _ => Ok(1),
    }
}

fn workflows(site: &Site, server: &Server) -> Workflows {
    site.instance(server).input_bytes_max(1_000).register("as told", as_told).build().unwrap()
}

/// Serves on another port than the one that the server knows: nobody but the case calls.
async fn served(over: Over) -> (Server, super::site::Served, u16) {
    let server = Server::start().await;
    let (known, own) = (Site::new(over).await, Site::new(over).await);
    let port = own.port();
    let workflows = workflows(&known, &server);
    (server, own.serve(&workflows), port)
}

#[tokio::test]
async fn the_callback_over_http_answers_by_status() {
    let (server, _served, port) = served(Over::Http).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = async |query: &str, body: &str| {
        let url = format!("http://127.0.0.1:{port}/workflow?{query}");
        let answer = http.post(url).body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let named = |gid: &str| format!("gid={gid}&op=as%20told&trans_type=workflow&branch_id=00");
    for (end, code, words) in [
        ("yes", 200, "SUCCESS"),
        ("no", 409, "no money"),
        ("ongoing", 425, "ONGOING"),
        ("later", 500, "was interrupted"),
        ("panic", 500, "out of cheese"),
    ] {
        let (status, body) = call(&named(end), &format!("\"{end}\"")).await;
        assert_eq!(status, code, "{end}: {body}");
        assert!(body.contains(words), "{end}: {body}");
    }
    for (query, body, code, words) in [
        ("gid=g&op=other", "\"yes\"", 500, "no workflow 'other' is registered; there are: as told."),
        ("op=as%20told", "\"yes\"", 400, "gid"),
        ("gid=&op=as%20told", "\"yes\"", 400, "gid is empty"),
        ("gid=g", "\"yes\"", 400, "op"),
        ("gid=g&gid=h&op=as%20told", "\"yes\"", 400, "gid"),
        (&named("g"), &"x".repeat(1_001), 413, "more than 1000 bytes"),
        (&named("broken"), "{", 500, "the input of the workflow is no alloc::string::String"),
    ] {
        let (status, answer) = call(query, body).await;
        assert_eq!(status, code, "{query}: {answer}");
        assert!(answer.contains(words), "{query}: {answer}");
    }
    assert!(!server.query("g").await.exists(), "what is refused is not begun");
    assert_eq!(server.query("broken").await.status(), "prepared", "an input of another type is no \"no\"");
}

#[tokio::test]
async fn more_executions_than_are_allowed_at_once_are_told_to_come_again() {
    let server = Server::start().await;
    let (known, own) = (Site::new(Over::Http).await, Site::new(Over::Http).await);
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let (may_end, arrived) = (Arc::clone(&gate), Arc::clone(&begun));
    let waits = move |_: Workflow, (): ()| {
        let (gate, begun) = (Arc::clone(&gate), Arc::clone(&begun));
        async move {
            begun.notify_one();
            gate.acquire().await?.forget();
            Ok::<_, BranchError>(())
        }
    };
    let workflows = known.instance(&server).callbacks_max(1).register("waits", waits).build().unwrap();
    let port = own.port();
    let _served = own.serve(&workflows);
    let call = async |gid: &str| {
        let url = format!("http://127.0.0.1:{port}/workflow?gid={gid}&op=waits");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.post(url).send().await.unwrap().status().as_u16()
    };
    let second = async {
        arrived.notified().await;
        let busy = call("second").await;
        assert!(!server.query("second").await.exists(), "it is not begun");
        may_end.add_permits(1);
        busy
    };
    assert_eq!(tokio::join!(call("first"), second), (200, 425));
    may_end.add_permits(1);
    assert_eq!(call("second").await, 200, "there is room again");
}

#[tokio::test]
async fn the_callback_over_grpc_answers_by_status() {
    let (server, _served, port) = served(Over::Grpc).await;
    let call = async |metadata: &[(&'static str, &[u8])], data: &str| -> Result<(), Status> {
        let mut client = WorkflowClient::with_origin(grpc::channel(), grpc::origin(port));
        let mut request = Request::new(WorkflowData { data: data.into() });
        for (name, value) in metadata {
            let value = MetadataValue::try_from(*value).unwrap();
            request.metadata_mut().insert(*name, value);
        }
        client.execute(request).await.map(drop)
    };
    for (end, code, words) in [
        ("no", Code::Aborted, "no money"),
        ("ongoing", Code::FailedPrecondition, "ONGOING"),
        ("later", Code::Unknown, "was interrupted"),
        ("panic", Code::Unknown, "out of cheese"),
    ] {
        let metadata = [("dtm-gid", end.as_bytes()), ("dtm-op", b"as told")];
        let status = call(&metadata, &format!("\"{end}\"")).await.unwrap_err();
        assert_eq!(status.code(), code, "{end}: {status}");
        assert!(status.message().contains(words), "{end}: {status}");
    }
    call(&[("dtm-gid", b"yes"), ("dtm-op", b"as told")], "\"yes\"").await.unwrap();
    for (metadata, words) in [
        (&[("dtm-op", &b"as told"[..])][..], "dtm-gid is missing"),
        (&[("dtm-gid", b"g"), ("dtm-op", b"")], "dtm-op is empty"),
        (&[("dtm-gid", b"\xff"), ("dtm-op", b"as told")], "dtm-gid is not UTF-8"),
    ] {
        let status = call(metadata, "\"yes\"").await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(words), "{status}");
    }
    let named: [(&str, &[u8]); 2] = [("dtm-gid", b"g"), ("dtm-op", b"other")];
    let status = call(&named, "\"yes\"").await.unwrap_err();
    assert!(status.message().contains("there are: as told."), "{status}");
    let named: [(&str, &[u8]); 2] = [("dtm-gid", b"g"), ("dtm-op", b"as told")];
    assert_eq!(call(&named, &"x".repeat(1_001)).await.unwrap_err().code(), Code::OutOfRange);
    assert!(!server.query("g").await.exists(), "what is refused is not begun");
}
