//! The methods of `dtmgimp.Dtm` and their statuses. Branches are called over HTTP here (behaviour 47).

use dtm_proto::grpc::dtmgimp::{DtmBranchRequest, DtmRequest, DtmTopicRequest, DtmTransOptions};
use serde_json::json;
use tonic::Code;

use crate::harness::grpc::{Refused, refused};
use crate::harness::{Branches, Reply, both};

/// A saga whose step `n` calls `/a<n>` and is undone by `/c<n>`.
fn saga(gid: &str, branches: &Branches, payloads: &[&[u8]]) -> DtmRequest {
    let step = |number: usize| json!({"action": branches.url(&format!("/a{number}")), "compensate": branches.url(&format!("/c{number}"))});
    DtmRequest {
        gid: gid.to_owned(),
        trans_type: "saga".to_owned(),
        steps: json!((1..=payloads.len()).map(step).collect::<Vec<_>>()).to_string(),
        bin_payloads: payloads.iter().map(|payload| payload.to_vec()).collect(),
        ..DtmRequest::default()
    }
}

fn of_type(gid: &str, trans_type: &str) -> DtmRequest {
    DtmRequest { gid: gid.to_owned(), trans_type: trans_type.to_owned(), ..DtmRequest::default() }
}

fn waiting(request: DtmRequest) -> DtmRequest {
    let options = DtmTransOptions { wait_result: true, retry_interval: 1, ..DtmTransOptions::default() };
    DtmRequest { trans_options: Some(options), ..request }
}

fn tcc_branch(gid: &str, number: usize, branches: &Branches) -> DtmBranchRequest {
    let url = |op: &str| (op.to_owned(), branches.url(&format!("/{op}{number}")));
    DtmBranchRequest {
        gid: gid.to_owned(),
        trans_type: "tcc".to_owned(),
        branch_id: format!("{number:02}"),
        op: String::new(),
        data: [url("confirm"), url("cancel")].into(),
        busi_payload: format!("{{\"branch\":{number}}}").into_bytes(),
    }
}

fn says(code: Code, message: &str, stands: &str) -> Refused {
    Refused { code, message: message.to_owned(), stands: stands.to_owned() }
}

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
    let mut request = saga("g", &branches, &payloads);
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
    let mut request = waiting(saga("g", &branches, &[b"1", b"2"]));
    request.customed_data = r#"{"concurrent":true,"orders":{"0":[1]}}"#.to_owned();
    let answer = refused(server.grpc().submit(request).await);
    assert_eq!(answer, says(Code::Aborted, "wait result not return success: FAILURE", "submitted"));
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
    let request = DtmRequest { trans_options: Some(options), ..saga("g", &branches, &[b"1"]) };
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
async fn a_saga_that_is_rolled_back_answers_aborted_with_the_text_of_http() {
    // behaviour 43, 58, 68, decision 5
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    let answer = refused(server.grpc().submit(waiting(saga("g", &branches, &[b"1", b"2"]))).await);
    let view = server.query("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s f"));
    assert_eq!(answer, says(Code::Aborted, view.reason(), "failed"));
    assert!(
        answer.message.starts_with(&format!("url:{} return failed: ", branches.url("/a2"))),
        "{answer:?}"
    );
    assert!(answer.message.ends_with(" FAILURE"), "{answer:?}");
}

#[tokio::test]
async fn a_saga_that_is_not_finished_answers_aborted_and_says_where_it_stands() {
    // behaviour 68, decision 5, defect B18
    for reply in [Reply::ongoing(), Reply::error()] {
        let (server, branches) = both().await;
        branches.on("/a1", [reply, Reply::ok()]);
        let answer = refused(server.grpc().submit(waiting(saga("g", &branches, &[b"1"]))).await);
        assert_eq!(answer, says(Code::Aborted, "wait result not return success: FAILURE", "submitted"));
        assert_eq!(server.end_of("g").await.status(), "succeed");
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
            grpc.register_branch(tcc_branch(gid, number, &branches)).await.unwrap();
            grpc.register_branch(tcc_branch(gid, number, &branches)).await.unwrap(); // decision 2
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
        grpc.register_branch(tcc_branch("t", number, &branches)).await.unwrap();
    }
    let reason = "rpc error: code = Aborted desc = \"FAILURE\"\n 100 %";
    grpc.abort(DtmRequest { rollback_reason: reason.to_owned(), ..of_type("t", "tcc") }).await.unwrap();
    let view = server.end_of("t").await;
    assert_eq!((view.status(), view.reason()), ("failed", reason));
    assert_eq!(branches.paths(), ["/cancel2", "/cancel1"]);
}

#[tokio::test]
async fn a_tcc_whose_confirm_is_ongoing_answers_failed_precondition() {
    // behaviour 43, 80, decision 5
    let (server, branches) = both().await;
    branches.on("/confirm1", [Reply::ongoing(), Reply::ok()]);
    let mut grpc = server.grpc();
    let request = || waiting(of_type("t", "tcc"));
    grpc.prepare(request()).await.unwrap();
    grpc.register_branch(tcc_branch("t", 1, &branches)).await.unwrap();
    let answer = refused(grpc.submit(request()).await);
    assert_eq!(answer, says(Code::FailedPrecondition, "ONGOING", "submitted"));
    assert_eq!(server.end_of("t").await.status(), "succeed");
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
        ..tcc_branch("x", 1, &branches)
    };
    grpc.register_branch(branch).await.unwrap();
    grpc.submit(of_type("x", "xa")).await.unwrap();
    let view = server.end_of("x").await;
    assert_eq!(view.row_names(), ["01 rollback", "01 commit"]);
    assert_eq!(branches.calls_of("/xa")[0].op(), "commit");
}

#[tokio::test]
async fn what_http_answers_with_409_is_aborted_with_the_same_text() {
    // behaviour 12, 16, 17, 22, 43
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    grpc.submit(waiting(saga("s", &branches, &[b"1"]))).await.unwrap();
    grpc.prepare(of_type("t", "tcc")).await.unwrap();
    grpc.register_branch(tcc_branch("t", 1, &branches)).await.unwrap();
    let other = DtmBranchRequest { busi_payload: b"other".to_vec(), ..tcc_branch("t", 1, &branches) };
    let aborted = |message: &str| says(Code::Aborted, message, "");
    let answer = refused(grpc.prepare(saga("s", &branches, &[b"1"])).await);
    assert_eq!(answer, aborted("current status 'succeed', cannot prepare. FAILURE"));
    let answer = refused(grpc.submit(waiting(saga("s", &branches, &[b"1"]))).await);
    assert_eq!(answer, aborted("current status 'succeed', cannot sumbmit. FAILURE"));
    let answer = refused(grpc.abort(of_type("s", "saga")).await);
    assert_eq!(answer, aborted("trans type: 'saga' current status 'succeed', cannot abort. FAILURE"));
    let answer = refused(grpc.register_branch(tcc_branch("nobody", 1, &branches)).await);
    assert_eq!(answer, aborted("no trans with gid: nobody status: prepared found FAILURE"));
    let answer = refused(grpc.register_branch(other).await); // decision 2
    assert_eq!(answer.code, Code::Aborted, "{answer:?}");
    let answer = refused(grpc.submit(saga("s", &branches, &[b"other"])).await); // decision 1
    assert_eq!(answer.code, Code::Aborted, "{answer:?}");
    assert_eq!(branches.paths(), ["/a1"]);
}

#[tokio::test]
async fn any_other_error_is_unknown_and_a_wrong_request_an_invalid_argument() {
    // behaviour 20, 23, 42, 43, decision 14, defect M6
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    let answer = refused(grpc.abort(of_type("nobody", "tcc")).await);
    assert_eq!(answer, says(Code::Unknown, "no TransGlobal with gid: nobody found", ""));
    let strange = DtmBranchRequest { trans_type: "saga".to_owned(), ..tcc_branch("g", 1, &branches) };
    assert_eq!(
        refused(grpc.register_branch(strange).await),
        says(Code::Unknown, "unknow trans type: saga", "")
    );
    for (what, request, words) in [
        ("no type", of_type("g", ""), "trans_type"),
        ("unknown type", of_type("g", "seata"), "seata"),
        ("no gid", of_type("", "tcc"), "gid is empty"),
        ("gid with a line feed", of_type("a\nb", "tcc"), "control character"),
        ("payloads", DtmRequest { bin_payloads: vec![], ..saga("g", &branches, &[b"1"]) }, "payloads has 0"),
    ] {
        let answer = refused(grpc.submit(request).await);
        assert_eq!(answer.code, Code::InvalidArgument, "{what}: {answer:?}");
        assert!(answer.message.contains(words), "{what}: {answer:?}");
    }
    assert!(!server.query("g").await.exists());
    server.grpc().submit(saga("g", &branches, &[b"1"])).await.unwrap();
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
async fn topics_are_kept_as_over_http() {
    // behaviour 33, 42
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    let topic = |name: &str, path: &str| DtmTopicRequest {
        topic: name.to_owned(),
        url: if path.is_empty() { String::new() } else { branches.url(path) },
        remark: "note".to_owned(),
    };
    grpc.subscribe(topic("news", "/n1")).await.unwrap();
    grpc.subscribe(topic("news", "/n2")).await.unwrap();
    let unknown = |message: &str| says(Code::Unknown, message, "");
    assert_eq!(refused(grpc.subscribe(topic("news", "/n1")).await), unknown("this url exists"));
    assert_eq!(refused(grpc.subscribe(topic("", "/n1")).await), unknown("empty topic"));
    assert_eq!(refused(grpc.subscribe(topic("news", "")).await), unknown("empty url"));
    assert_eq!(refused(grpc.unsubscribe(topic("news", "/n3")).await), unknown("no such an url "));
    assert_eq!(refused(grpc.unsubscribe(topic("olds", "/n1")).await), unknown("no such a topic"));
    grpc.unsubscribe(topic("news", "/n1")).await.unwrap();
    grpc.unsubscribe(topic("news", "/n2")).await.unwrap();
    assert_eq!(refused(grpc.unsubscribe(topic("news", "/n2")).await), unknown("this topic is empty"));
    grpc.delete_topic(topic("news", "")).await.unwrap();
    assert_eq!(refused(grpc.delete_topic(topic("news", "")).await), unknown("storage: NotFound"));
}

#[tokio::test]
async fn calls_are_counted_under_the_names_of_http() {
    // decision 23, defect R11
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    grpc.submit(saga("secret-gid", &branches, &[b"1"])).await.unwrap();
    refused(grpc.submit(of_type("", "saga")).await);
    grpc.new_gid(()).await.unwrap();
    let metrics = server.get("/api/metrics").await.body;
    for line in [
        r#"dtm_server_process_total{type="GRPC",api="submit",status="ok"} 1"#,
        r#"dtm_server_process_total{type="GRPC",api="submit",status="fail"} 1"#,
        r#"dtm_server_process_total{type="GRPC",api="newGid",status="ok"} 1"#,
        r#"dtm_server_response_duration_count{type="GRPC",api="submit"} 2"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("secret-gid"));
}
