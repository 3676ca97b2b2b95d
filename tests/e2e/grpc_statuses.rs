//! Which status each answer of `dtmgimp.Dtm` has, and its text.

use dtm_proto::grpc::dtmgimp::{DtmBranchRequest, DtmRequest, DtmTopicRequest};
use tonic::Code;

use crate::harness::grpc::{Refused, refused};
use crate::harness::grpc_bodies::{http, of_type, saga, tcc_branch, waiting};
use crate::harness::{Reply, both};

fn says(code: Code, message: &str, stands: &str) -> Refused {
    Refused { code, message: message.to_owned(), stands: stands.to_owned() }
}

#[tokio::test]
async fn a_saga_that_is_rolled_back_answers_aborted_with_the_text_of_http() {
    // behaviour 43, 58, 68, decision 5
    let (server, branches) = both().await;
    branches.on("/a2", [Reply::failure()]);
    let answer = refused(server.grpc().submit(waiting(saga("g", http(&branches), &[b"1", b"2"]))).await);
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
        let answer = refused(server.grpc().submit(waiting(saga("g", http(&branches), &[b"1"]))).await);
        assert_eq!(answer, says(Code::Aborted, "wait result not return success: FAILURE", "submitted"));
        assert_eq!(server.end_of("g").await.status(), "succeed");
    }
}

#[tokio::test]
async fn a_tcc_whose_confirm_is_ongoing_answers_failed_precondition() {
    // behaviour 43, 80, decision 5
    let (server, branches) = both().await;
    branches.on("/confirm1", [Reply::ongoing(), Reply::ok()]);
    let mut grpc = server.grpc();
    let request = || waiting(of_type("t", "tcc"));
    grpc.prepare(request()).await.unwrap();
    grpc.register_branch(tcc_branch("t", 1, http(&branches))).await.unwrap();
    let answer = refused(grpc.submit(request()).await);
    assert_eq!(answer, says(Code::FailedPrecondition, "ONGOING", "submitted"));
    assert_eq!(server.end_of("t").await.status(), "succeed");
}

#[tokio::test]
async fn what_http_answers_with_409_is_aborted_with_the_same_text() {
    // behaviour 12, 16, 17, 22, 43
    let (server, branches) = both().await;
    let mut grpc = server.grpc();
    grpc.submit(waiting(saga("s", http(&branches), &[b"1"]))).await.unwrap();
    grpc.prepare(of_type("t", "tcc")).await.unwrap();
    grpc.register_branch(tcc_branch("t", 1, http(&branches))).await.unwrap();
    let other = DtmBranchRequest { busi_payload: b"other".to_vec(), ..tcc_branch("t", 1, http(&branches)) };
    let aborted = |message: &str| says(Code::Aborted, message, "");
    let answer = refused(grpc.prepare(saga("s", http(&branches), &[b"1"])).await);
    assert_eq!(answer, aborted("current status 'succeed', cannot prepare. FAILURE"));
    let answer = refused(grpc.submit(waiting(saga("s", http(&branches), &[b"1"]))).await);
    assert_eq!(answer, aborted("current status 'succeed', cannot sumbmit. FAILURE"));
    let answer = refused(grpc.abort(of_type("s", "saga")).await);
    assert_eq!(answer, aborted("trans type: 'saga' current status 'succeed', cannot abort. FAILURE"));
    let answer = refused(grpc.register_branch(tcc_branch("nobody", 1, http(&branches))).await);
    assert_eq!(answer, aborted("no trans with gid: nobody status: prepared found FAILURE"));
    let answer = refused(grpc.register_branch(other).await); // decision 2
    assert_eq!(answer.code, Code::Aborted, "{answer:?}");
    let answer = refused(grpc.submit(saga("s", http(&branches), &[b"other"])).await); // decision 1
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
    let strange = DtmBranchRequest { trans_type: "saga".to_owned(), ..tcc_branch("g", 1, http(&branches)) };
    assert_eq!(
        refused(grpc.register_branch(strange).await),
        says(Code::Unknown, "unknow trans type: saga", "")
    );
    for (what, request, words) in [
        ("no type", of_type("g", ""), "trans_type"),
        ("unknown type", of_type("g", "seata"), "seata"),
        ("no gid", of_type("", "tcc"), "gid is empty"),
        ("gid with a line feed", of_type("a\nb", "tcc"), "control character"),
        (
            "payloads",
            DtmRequest { bin_payloads: vec![], ..saga("g", http(&branches), &[b"1"]) },
            "payloads has 0",
        ),
    ] {
        let answer = refused(grpc.submit(request).await);
        assert_eq!(answer.code, Code::InvalidArgument, "{what}: {answer:?}");
        assert!(answer.message.contains(words), "{what}: {answer:?}");
    }
    assert!(!server.query("g").await.exists());
    server.grpc().submit(saga("g", http(&branches), &[b"1"])).await.unwrap();
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
