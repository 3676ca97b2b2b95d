//! Generated clients on a channel that records.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dtm_proto::grpc::dtmgimp::dtm_client::DtmClient;
use dtm_proto::grpc::workflow::WorkflowData;
use dtm_proto::grpc::workflow::workflow_client::WorkflowClient;
use dtm_workflow::{BranchCalls, BranchError, Error, Workflow};
use tonic::Code;

use super::site::{Over, Site};
use crate::harness::{GrpcBranches, GrpcReply, Server, grpc};

#[tokio::test]
async fn the_answer_of_a_generated_client_is_recorded_and_replayed() {
    let server = Server::start().await;
    let port = server.grpc_port();
    let runs = Arc::new(AtomicUsize::new(0));
    let function = move |wf: Workflow, (): ()| {
        let runs = Arc::clone(&runs);
        async move {
            // Any service will do: the server's own gives another answer to each call.
            let mut service = DtmClient::with_origin(wf.branch().over(grpc::channel()), grpc::origin(port));
            let gid = service.new_gid(()).await?.into_inner().gid;
            let again = service.new_gid(()).await.unwrap_err().to_string();
            assert!(again.contains("a branch has one action"), "{again}");
            wf.branch()
                .run(async move |_| match runs.fetch_add(1, Ordering::Relaxed) {
                    0 => Err(BranchError::Ongoing),
                    _ => Ok(gid),
                })
                .await
        }
    };
    let site = Site::new(Over::Grpc).await;
    let workflows = site.instance(&server).register("f", function).build().unwrap();
    let error = workflows.execute::<_, String>("f", "g", &()).await.unwrap_err();
    assert!(matches!(error, Error::Ongoing { .. }), "{error}");
    let recorded = grpc_progress(&server, "g").await;
    let gid: String = workflows.execute("f", "g", &()).await.unwrap();
    // The record is the message as protobuf writes it: field 1, its length, the text.
    assert_eq!(recorded[0], 0x0a);
    assert_eq!(&recorded[2..], gid.as_bytes());
    assert_eq!(server.query("g").await.row_names(), ["01 action", "02 action"]);
}

/// The data of the first progress.
async fn grpc_progress(server: &Server, gid: &str) -> Vec<u8> {
    use base64::Engine;
    let view = server.query(gid).await;
    let text = view.branches()[0]["bin_data"].as_str().unwrap().to_owned();
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn a_branch_over_grpc_is_told_for_whom_it_works_and_its_no_rolls_back() {
    let (server, branches) = (Server::start().await, GrpcBranches::start().await);
    branches.on(
        "Execute",
        [GrpcReply::of(Code::FailedPrecondition, "at it"), GrpcReply::of(Code::Aborted, "no stock")],
    );
    let port = branches.address().port();
    let function = move |wf: Workflow, (): ()| async move {
        let origin = move || grpc::origin(port);
        let undo = async move |barrier: dtm_workflow::BranchBarrier| {
            // The client of phase two does not record: the callback is, as a whole.
            let mut stock = WorkflowClient::with_origin(barrier.over(grpc::channel()), origin());
            let status = stock.execute(WorkflowData { data: b"undo".to_vec() }).await.unwrap_err();
            // Refused by the script, which has nothing else to say; what counts is that it was called.
            assert_eq!(status.code(), Code::Aborted);
            Ok(())
        };
        let branch = wf.branch().on_rollback_always(undo);
        let mut stock = WorkflowClient::with_origin(branch.over(grpc::channel()), origin());
        stock.execute(WorkflowData { data: b"take".to_vec() }).await?;
        Ok::<_, BranchError>(())
    };
    let site = Site::new(Over::Http).await;
    let workflows = site.instance(&server).register("f", function).build().unwrap();
    let error = workflows.execute::<_, ()>("f", "g", &()).await.unwrap_err();
    assert!(matches!(error, Error::Ongoing { .. }), "{error}");
    for _ in 0..2 {
        let error = workflows.execute::<_, ()>("f", "g", &()).await.unwrap_err();
        assert!(matches!(&error, Error::RolledBack { reason, .. } if reason == "no stock"), "{error}");
    }
    let calls = branches.calls();
    let told: Vec<_> = calls
        .iter()
        .map(|call| ["dtm-gid", "dtm-trans_type", "dtm-branch_id", "dtm-op"].map(|name| call.header(name)))
        .collect();
    let action = ["g", "workflow", "01", "action"];
    assert_eq!(told, [action, action, ["g", "workflow", "01", "rollback"]]);
    let view = server.query("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "f s"));
}

#[tokio::test]
async fn what_a_service_does_not_answer_is_asked_again() {
    let (server, branches) = (Server::start().await, GrpcBranches::start().await);
    branches
        .on("Execute", [GrpcReply::of(Code::Unavailable, "busy"), GrpcReply::of(Code::Aborted, "no stock")]);
    let port = branches.address().port();
    let function = move |wf: Workflow, (): ()| async move {
        let channel = wf.branch().over(grpc::channel());
        WorkflowClient::with_origin(channel, grpc::origin(port)).execute(WorkflowData::default()).await?;
        Ok::<_, BranchError>(())
    };
    let workflows = Site::new(Over::Http).await.instance(&server).register("f", function).build().unwrap();
    let error = workflows.execute::<_, ()>("f", "g", &()).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }) && error.to_string().contains("busy"), "{error}");
    assert!(server.query("g").await.branches().is_empty());
    let error = workflows.execute::<_, ()>("f", "g", &()).await.unwrap_err();
    assert!(matches!(error, Error::RolledBack { .. }), "{error}");
}
