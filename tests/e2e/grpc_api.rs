//! The methods of `dtmgimp.Dtm`. Branches are called over HTTP here (behaviour 47).

use dtm_proto::grpc::dtmgimp::{DtmBranchRequest, DtmRequest, DtmTransOptions};
use tonic::Code;

use crate::harness::grpc::{Refused, refused};
use crate::harness::grpc_bodies::{http, of_type, saga, tcc_branch, waiting};
use crate::harness::{Reply, both};

#[tokio::test]
async fn every_gid_is_new_and_can_stand_in_a_url() {
    // behaviour 42
    let (server, _) = both().await;
    let mut grpc = server.grpc();
    let first = grpc.new_gid(()).await.unwrap().into_inner().gid;
    let second = grpc.new_gid(()).await.unwrap().into_inner().gid;
    assert_ne!(first, second);
    assert!(first.len() >= 20 && first.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{first}");
}

#[tokio::test]
async fn a_saga_runs_with_the_payloads_as_they_were_sent() {
    // behaviour 42, 44, 47
    let (server, branches) = both().await;
    let payloads: [&[u8]; 3] = [b"\x00\xff\xfe", br#"{"a":1}"#, b""];
    let mut request = saga("g", http(&branches), &payloads);
    let headers = [("x-token".to_owned(), "t".to_owned())].into();
    request.trans_options = Some(DtmTransOptions { branch_headers: headers, ..DtmTransOptions::default() });
    server.grpc().submit(request).await.unwrap();
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.field("protocol")), ("succeed", "grpc"), "{view:#?}");
    assert_eq!(view.rows(), "p s p s p s");
    let calls = branches.calls();
    assert_eq!(calls.iter().map(|call| &*call.body).collect::<Vec<_>>(), payloads);
    assert!(calls.iter().all(|call| call.header("x-token") == "t"), "{calls:?}");
}

#[tokio::test]
async fn a_concurrent_saga_reads_its_orders_from_the_custom_data() {
    // behaviour 44, 64
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::ongoing()]);
    let mut request = waiting(saga("g", http(&branches), &[b"1", b"2"]));
    request.customed_data = r#"{"concurrent":true,"orders":{"0":[1]}}"#.to_owned();
    let answer = refused(server.grpc().submit(request).await);
    assert_eq!(
        answer,
        Refused {
            code: Code::Aborted,
            message: "wait result not return success: FAILURE".to_owned(),
            stands: "submitted".to_owned(),
        }
    );
    assert_eq!(branches.paths(), ["/a2"]);
}

#[tokio::test]
async fn the_options_are_those_of_http() {
    // behaviour 44, 70, 72
    let (server, branches) = both().await;
    branches.on("/a1", [Reply::error()]);
    let options = DtmTransOptions {
        timeout_to_fail: 100,
        retry_interval: 50,
        request_timeout: 7,
        retry_limit: 2,
        ..DtmTransOptions::default()
    };
    let request = DtmRequest { trans_options: Some(options), ..saga("g", http(&branches), &[b"1"]) };
    server.grpc().submit(request).await.unwrap();
    let view = server.end_of("g").await;
    assert_eq!(view.reason(), "RetryCount is greater than RetryLimit, RetryLimit: 2");
    for (name, value) in
        [("timeout_to_fail", 100), ("retry_interval", 50), ("request_timeout", 7), ("retry_limit", 2)]
    {
        assert_eq!(view.number(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_tcc_confirms_from_the_last_branch_to_the_first() {
    // behaviour 44, 75: Steps is "null" from Go and "" from C#
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    for (gid, steps) in [("t", "null"), ("u", "")] {
        let request = || DtmRequest { steps: steps.to_owned(), ..of_type(gid, "tcc") };
        grpc.prepare(request()).await.unwrap();
        grpc.prepare(request()).await.unwrap(); // behaviour 12
        for number in [1, 2] {
            grpc.register_branch(tcc_branch(gid, number, http(&branches))).await.unwrap();
            grpc.register_branch(tcc_branch(gid, number, http(&branches))).await.unwrap(); // decision 2
        }
        grpc.submit(request()).await.unwrap();
        let view = server.end_of(gid).await;
        assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s"));
    }
    assert_eq!(branches.paths(), ["/confirm2", "/confirm1", "/confirm2", "/confirm1"]);
    assert_eq!(branches.calls_of("/confirm2")[0].text(), r#"{"branch":2}"#);
}

#[tokio::test]
async fn an_abort_keeps_the_reason_of_the_client() {
    // behaviour 44, 76
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    grpc.prepare(of_type("t", "tcc")).await.unwrap();
    for number in [1, 2] {
        grpc.register_branch(tcc_branch("t", number, http(&branches))).await.unwrap();
    }
    let reason = "rpc error: code = Aborted desc = \"FAILURE\"\n 100 %";
    grpc.abort(DtmRequest { rollback_reason: reason.to_owned(), ..of_type("t", "tcc") }).await.unwrap();
    let view = server.end_of("t").await;
    assert_eq!((view.status(), view.reason()), ("failed", reason));
    assert_eq!(branches.paths(), ["/cancel2", "/cancel1"]);
}

#[tokio::test]
async fn an_xa_commits_each_branch_at_its_url() {
    // behaviour 21, 82
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    grpc.prepare(of_type("x", "xa")).await.unwrap();
    let branch = DtmBranchRequest {
        data: [("url".to_owned(), branches.url("/xa"))].into(),
        trans_type: "xa".to_owned(),
        ..tcc_branch("x", 1, http(&branches))
    };
    grpc.register_branch(branch).await.unwrap();
    grpc.submit(of_type("x", "xa")).await.unwrap();
    let view = server.end_of("x").await;
    assert_eq!(view.row_names(), ["01 rollback", "01 commit"]);
    assert_eq!(branches.calls_of("/xa")[0].op(), "commit");
}

#[tokio::test]
async fn a_gid_is_not_stripped() {
    // behaviour 9
    let (server, _) = both().await;
    server.grpc().prepare(of_type("a;b", "tcc")).await.unwrap();
    assert!(server.query("a;b").await.exists());
    assert!(!server.query("ab").await.exists());
}

#[tokio::test]
async fn calls_are_counted_under_the_names_of_http() {
    // decision 23, defect R11
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    grpc.submit(saga("secret-gid", http(&branches), &[b"1"])).await.unwrap();
    refused(grpc.submit(of_type("", "saga")).await);
    grpc.new_gid(()).await.unwrap();
    let metrics = server.get("/api/metrics").await.body;
    for line in [
        r#"dtm_server_process_total{type="grpc",api="submit",status="ok"} 1"#,
        r#"dtm_server_process_total{type="grpc",api="submit",status="fail"} 1"#,
        r#"dtm_server_process_total{type="grpc",api="newgid",status="ok"} 1"#,
        r#"dtm_server_response_duration_count{type="grpc",api="submit"} 2"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("secret-gid"));
}
