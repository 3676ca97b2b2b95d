//! Workflows over gRPC: where they stand, and how they ended.

use dtm_proto::grpc::dtmgimp::{DtmBranchRequest, DtmProgress, DtmProgressesReply, DtmRequest};
use tonic::Code;

use crate::harness::Server;
use crate::harness::grpc::{Grpc, refused};

fn workflow(gid: &str) -> DtmRequest {
    DtmRequest {
        gid: gid.to_owned(),
        trans_type: "workflow".to_owned(),
        customed_data: r#"{"name":"wf","data":"AAH/"}"#.to_owned(),
        query_prepared: "http://127.0.0.1:1/callback".to_owned(),
        ..DtmRequest::default()
    }
}

fn step(gid: &str, id: &str, op: &str, status: &str, data: &[u8]) -> DtmBranchRequest {
    let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    DtmBranchRequest {
        gid: gid.to_owned(),
        trans_type: "workflow".to_owned(),
        branch_id: id.to_owned(),
        data: [text("op", op), text("status", status)].into(),
        busi_payload: data.to_vec(),
        ..DtmBranchRequest::default()
    }
}

fn end(gid: &str, extra: &[(&str, &str)]) -> DtmRequest {
    let extra = extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    DtmRequest { req_extra: extra.collect(), ..workflow(gid) }
}

async fn prepared(grpc: &mut Grpc, gid: &str) -> DtmProgressesReply {
    grpc.prepare_workflow(workflow(gid)).await.unwrap().into_inner()
}

/// Status, reason and result.
fn stands(reply: &DtmProgressesReply) -> (&str, &str, &str) {
    let transaction = reply.transaction.as_ref().unwrap();
    (&transaction.status, &transaction.rollback_reason, &transaction.result)
}

#[tokio::test]
async fn a_new_workflow_has_no_progress_and_an_existing_one_what_was_registered() {
    // behaviour 26, 48, 94, 95
    let server = Server::start().await;
    let mut grpc = server.grpc();
    let new = prepared(&mut grpc, "w").await;
    assert_eq!(stands(&new), ("prepared", "", ""));
    assert_eq!(new.transaction.as_ref().unwrap().gid, "w");
    assert!(new.progresses.is_empty());
    grpc.register_branch(step("w", "01", "action", "succeed", b"\x00\xff")).await.unwrap();
    grpc.register_branch(step("w", "02", "action", "failed", b"no stock")).await.unwrap();
    let progress = |id: &str, status: &str, data: &[u8]| DtmProgress {
        status: status.to_owned(),
        bin_data: data.to_vec(),
        branch_id: id.to_owned(),
        op: "action".to_owned(),
    };
    let again = prepared(&mut grpc, "w").await;
    assert_eq!(
        again.progresses,
        [progress("01", "succeed", b"\x00\xff"), progress("02", "failed", b"no stock")]
    );
}

#[tokio::test]
async fn a_step_that_is_registered_twice_is_an_error_that_the_second_execution_notices() {
    // behaviour 25, decision 2
    let server = Server::start().await;
    let mut grpc = server.grpc();
    prepared(&mut grpc, "w").await;
    let first = || step("w", "01", "action", "succeed", b"1");
    grpc.register_branch(first()).await.unwrap();
    assert_eq!(refused(grpc.register_branch(first()).await).code, Code::Unknown);
    assert_eq!(prepared(&mut grpc, "w").await.progresses.len(), 1);
}

#[tokio::test]
async fn a_finished_workflow_answers_how_it_ended() {
    // behaviour 48, 96, 97, decision 17, defect B10
    let server = Server::start().await;
    let mut grpc = server.grpc();
    for (gid, extra, expected) in [
        ("s", [("status", "succeed"), ("result", "AAH/")], ("succeed", "", "AAH/")),
        ("f", [("status", "failed"), ("rollback_reason", "no stock")], ("failed", "no stock", "")),
    ] {
        prepared(&mut grpc, gid).await;
        grpc.submit(end(gid, &extra)).await.unwrap();
        assert_eq!(stands(&prepared(&mut grpc, gid).await), expected);
        let late = refused(grpc.register_branch(step(gid, "01", "action", "succeed", b"")).await);
        assert_eq!(late.code, Code::Aborted, "{late:?}"); // behaviour 100
    }
}

#[tokio::test]
async fn an_end_that_is_none_is_refused_and_the_workflow_goes_on() {
    // defect M6
    let server = Server::start().await;
    let mut grpc = server.grpc();
    prepared(&mut grpc, "w").await;
    let extras: [&[(&str, &str)]; 4] =
        [&[], &[("status", "")], &[("status", "prepared")], &[("Status", "succeed")]];
    for extra in extras {
        let answer = refused(grpc.submit(end("w", extra)).await);
        assert_eq!(answer.code, Code::InvalidArgument, "{answer:?}");
        assert!(answer.message.contains("req_extra.status"), "{answer:?}");
    }
    assert_eq!(stands(&prepared(&mut grpc, "w").await).0, "prepared");
}

#[tokio::test]
async fn only_a_workflow_can_be_prepared_as_one_and_a_gid_of_another_mode_is_taken() {
    // decision 1
    let server = Server::start().await;
    let mut grpc = server.grpc();
    let tcc = DtmRequest { gid: "t".to_owned(), trans_type: "tcc".to_owned(), ..DtmRequest::default() };
    assert_eq!(refused(grpc.prepare_workflow(tcc.clone()).await).code, Code::InvalidArgument);
    assert!(!server.query("t").await.exists());
    grpc.prepare(tcc).await.unwrap();
    let answer = refused(grpc.prepare_workflow(workflow("t")).await);
    assert_eq!(answer.code, Code::Aborted, "{answer:?}");
}
