//! Every answer and every body of our own client, byte for byte (defect R6). The files in `tests/golden` have
//! a line feed at the end that the wire has not.
//!
//! To update them: `DTM_UPDATE_GENERATED=1 cargo test -p dtm-proto --test golden`, then look at the change.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dtm_core::coordinator::{Input, Policy, Run};
use dtm_core::model::{
    Amendment, BranchId, BranchIndex, BranchProgress, BranchStatus, Definition, Gid, Mode, Op, Options,
    Ordering, Outcome, Payload, Plan, Protocol, Registration, Seconds, Status, Step, Timestamp, Transaction,
    WorkflowEnd,
};
use dtm_proto::http::{
    Answer, Envelope, RegisterRequest, RequestLimits, StepBody, SubmitBody, TopicEntry, TransactionRequest,
    all_body, message_custom_data, progresses_body, query_body, query_kv_body, register_body,
    reset_cron_time_body, saga_custom_data, scan_kv_body, workflow_custom_data, workflow_result,
};
use dtm_proto::jsonrpc::{Code, error_body, success_body};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);
const OWNER: &str = "node-1:7:42";

fn assert_golden(name: &str, body: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = format!("{}\n", std::str::from_utf8(body).unwrap());
    if is_update() {
        fs::write(&path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|error| format!("{name}: {error}"));
    assert_eq!(text, expected, "{name}; see the top of tests/golden.rs");
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test tool; no product code reads it")]
fn is_update() -> bool {
    std::env::var_os("DTM_UPDATE_GENERATED").is_some_and(|value| value == "1")
}

fn later(millis: u64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

fn definition(gid: &str, plan: Plan) -> Definition {
    Definition {
        gid: Gid::parse(gid).unwrap(),
        protocol: Protocol::Http,
        plan,
        options: Options::default(),
        custom_data: String::new(),
        created_at: NOW,
    }
}

fn two_step_saga(gid: &str) -> Definition {
    let steps = vec![
        Step::new("http://stock/deduct", "http://stock/refund", r#"{"amount":30}"#),
        Step::new("http://bank/pay", "", b"\xff\x00".as_slice()),
    ];
    definition(gid, Plan::Saga { steps, ordering: Ordering::Sequential })
}

#[test]
fn envelopes() {
    // behaviour 1 to 4, 10, 11; decision 5
    assert_golden("success.json", Envelope::success());
    let message = "url:http://a return failed: \"no\" <stock> 订单 FAILURE";
    assert_golden("failure.json", &Envelope::failure(message, None));
    let waited = "wait result not return success: FAILURE";
    assert_golden("failure_with_status.json", &Envelope::failure(waited, Some("submitted")));
    assert_golden("ongoing.json", &Envelope::ongoing("ONGOING", None));
    assert_golden("ongoing_with_status.json", &Envelope::ongoing("ONGOING", Some("submitted")));
    assert_golden("error.json", &Envelope::error("no TransGlobal with gid: X found", None));
    assert_golden("new_gid.json", &Envelope::new_gid("nkY2wQhJNjqhEnoETDzLh9"));
    assert_golden("version.json", &Envelope::version("v0.1.0"));
    assert_golden("ping.json", Envelope::ping());
    assert_golden("reset_cron_time.json", &reset_cron_time_body(7, true));
}

#[test]
fn query_of_an_unknown_gid() {
    // behaviour 27
    assert_golden("query_unknown.json", &query_body(None));
}

#[test]
fn query_of_a_fresh_saga() {
    // behaviour 28, 56
    let saga = Transaction::submitted(two_step_saga("order 47/1"), &Policy::default());
    assert_golden("query_saga_submitted.json", &query_body(Some((&saga, OWNER))));
}

#[test]
fn query_of_a_saga_that_was_rolled_back() {
    // behaviour 28, 58, 104
    let policy = Policy::default();
    let mut run = Run::fresh(Transaction::submitted(two_step_saga("order-48"), &policy));
    let answer = |index, outcome| Input::Branch { index: BranchIndex::new(index), outcome };
    let inputs = [
        Input::Woke,
        answer(1, Outcome::Success),
        answer(3, Outcome::Failure { reason: "no money".to_owned() }),
        answer(0, Outcome::Success),
    ];
    for (millis, input) in (0..).step_by(100).zip(&inputs) {
        let _decision = run.step(input, &policy, later(millis)).unwrap();
    }
    assert_eq!(run.transaction().status(), Status::Failed);
    assert_golden("query_saga_failed.json", &query_body(Some((run.transaction(), ""))));
}

#[test]
fn query_of_a_saga_with_every_option() {
    // behaviour 28
    let mut definition = two_step_saga("order-49");
    definition.custom_data = r#"{"concurrent":true,"orders":{}}"#.to_owned();
    definition.options = every_option();
    let saga = Transaction::submitted(definition, &Policy::default());
    assert_golden("query_saga_options.json", &query_body(Some((&saga, OWNER))));
}

#[test]
fn query_of_a_message_whose_options_came_with_submit() {
    // behaviour 14, 86
    let step =
        Step { branch_id: Some(BranchId::parse("01-02").unwrap()), ..Step::new("http://a/in", "", "{}") };
    let plan = Plan::Message { steps: vec![step], query_prepared: "http://a/query".into(), delay: None };
    let mut message = Transaction::prepared(definition("msg-1", plan), &Policy::default());
    let options = Options { concurrent: true, retry_limit: Some(2), ..Options::default() };
    message.state.status = Status::Submitted;
    message.state.amendment = Some(Amendment { options, delay: Some(Seconds::new(10)) });
    assert_golden("query_msg.json", &query_body(Some((&message, OWNER))));
}

#[test]
fn query_of_registered_branches() {
    // behaviour 21, 75, 82, 95
    let branch_id = || BranchId::parse("01").unwrap();
    let mut tcc = Transaction::prepared(definition("tcc-1", Plan::Tcc), &Policy::default());
    tcc.registrations.push(Registration::Tcc {
        branch_id: branch_id(),
        confirm: "http://a/confirm".into(),
        cancel: "http://a/cancel".into(),
        data: "{}".into(),
    });
    assert_golden("query_tcc.json", &query_body(Some((&tcc, ""))));

    let mut xa = Transaction::prepared(definition("xa-1", Plan::Xa), &Policy::default());
    let data = Payload::empty();
    xa.registrations.push(Registration::Xa { branch_id: branch_id(), url: "http://a/xa".into(), data });
    assert_golden("query_xa.json", &query_body(Some((&xa, ""))));

    let plan =
        Plan::Workflow { callback: "http://a/resume".into(), name: "transfer".into(), data: "{}".into() };
    let mut workflow = Transaction::prepared(definition("wf-1", plan), &Policy::default());
    workflow.definition.custom_data = r#"{"name":"transfer","data":"e30="}"#.to_owned();
    workflow.registrations.push(Registration::Workflow {
        branch_id: branch_id(),
        op: Op::Action,
        status: BranchStatus::Succeed,
        data: b"\xff\x00".as_slice().into(),
    });
    workflow.state.status = Status::Succeed;
    workflow.state.result = Some("cmVzdWx0".to_owned());
    workflow.state.finished_at = Some(later(500));
    assert_golden("query_workflow.json", &query_body(Some((&workflow, ""))));
    // behaviour 26, defect R6: names that protobuf's JSON reads
    assert_golden("progresses.json", &progresses_body(&workflow, ""));
}

#[test]
fn topics_as_entries_of_a_table() {
    // behaviour 34, 35
    let entry = TopicEntry {
        name: "news",
        subscribers: vec![("http://a?x=1&y=2", "why \"not\""), ("h:1/p.S/M", "")],
        version: 7,
        created_at: NOW,
        updated_at: later(1),
    };
    assert_golden("query_kv.json", &query_kv_body(Some(&entry)));
    assert_golden("query_kv_empty.json", &query_kv_body(None));
    assert_golden("scan_kv.json", &scan_kv_body(&[entry], "news"));
}

#[test]
fn answers_over_json_rpc() {
    // behaviour 37 to 39, decision 5
    assert_golden("jsonrpc_success.json", &success_body("1", None));
    assert_golden("jsonrpc_new_gid.json", &success_body("a \"b\"", Some("g")));
    assert_golden("jsonrpc_parse.json", &error_body("", Code::Parse, "Parse json error: why", None));
    let failure = error_body("1", Code::Failure, "no stock FAILURE", Some("failed"));
    assert_golden("jsonrpc_failure.json", &failure);
    let numbers = [Code::Parse, Code::Request, Code::Method, Code::Internal, Code::Failure].map(Code::number);
    assert_eq!(numbers, [-32700, -32600, -32601, -32603, -32901]);
}

#[test]
fn a_listing() {
    // behaviour 30, 31
    assert_golden("all_empty.json", &all_body([], ""));
    let policy = Policy::default();
    let (one, two) = (two_step_saga("order-1"), two_step_saga("order-2"));
    let (first, mut second) = (Transaction::submitted(one, &policy), Transaction::submitted(two, &policy));
    second.state.status = Status::Succeed;
    second.state.finished_at = Some(later(9));
    second.state.progress = vec![BranchProgress::UNTOUCHED; 4];
    let listed = [(&first, OWNER), (&second, "")];
    let listed = listed.map(|(transaction, owner)| (&transaction.definition, &transaction.state, owner));
    assert_golden("all.json", &all_body(listed, "1700000000123-order-2"));
}

#[test]
fn what_our_client_sends_is_what_our_server_reads() {
    let orders = BTreeMap::from([(1, vec![0])]);
    let (custom_data, options) = (saga_custom_data(&orders), every_option());
    let steps = vec![
        StepBody { action: "http://a/out", compensate: "http://a/undo", payload: r#"{"amount":30}"# },
        StepBody { action: "http://b/in", compensate: "", payload: "订单 \"1\"\n" },
    ];
    let plain = SubmitBody {
        gid: "order-1",
        mode: Mode::Saga,
        steps: steps.clone(),
        custom_data: "",
        query_prepared: "",
        options: &Options::default(),
        protocol: Protocol::Http,
        rollback_reason: "",
        end: None,
    };
    assert_golden("client_saga.json", &plain.encode());
    let full = SubmitBody { custom_data: &custom_data, options: &options, ..plain };
    assert_golden("client_saga_options.json", &full.encode());

    let read = TransactionRequest::decode(&full.encode()).unwrap();
    let definition = read.definition(NOW, &RequestLimits::default()).unwrap();
    let expected: Vec<Step> =
        steps.iter().map(|step| Step::new(step.action, step.compensate, step.payload)).collect();
    assert_eq!(definition.gid.as_str(), "order-1");
    assert_eq!(definition.options, options);
    let ordering = Ordering::concurrent(2, &orders).unwrap();
    assert_eq!(definition.plan, Plan::Saga { steps: expected, ordering });
}

#[test]
fn what_our_client_sends_for_other_modes_is_what_our_server_reads() {
    // behaviour 17, 90, 94, 96
    let options = Options::default();
    let body = |mode| SubmitBody {
        gid: "order-1",
        mode,
        steps: Vec::new(),
        custom_data: "",
        query_prepared: "",
        options: &options,
        protocol: Protocol::Http,
        rollback_reason: "",
        end: None,
    };
    let abort =
        SubmitBody { rollback_reason: "no \"stock\"", protocol: Protocol::JsonRpc, ..body(Mode::Tcc) };
    assert_golden("client_abort.json", &abort.encode());
    let read = TransactionRequest::decode(&abort.encode()).unwrap();
    assert_eq!((read.rollback_reason.as_str(), read.protocol.as_str()), ("no \"stock\"", "json-rpc"));

    let custom_data = workflow_custom_data("transfer", b"\xff{}");
    let prepare =
        SubmitBody { custom_data: &custom_data, query_prepared: "http://w/resume", ..body(Mode::Workflow) };
    assert_golden("client_workflow.json", &prepare.encode());
    let read = TransactionRequest::decode(&prepare.encode()).unwrap();
    let definition = read.definition(NOW, &RequestLimits::default()).unwrap();
    let plan = Plan::Workflow {
        name: "transfer".into(),
        callback: "http://w/resume".into(),
        data: Payload::from(b"\xff{}".as_slice()),
    };
    assert_eq!(definition.plan, plan);

    let end = WorkflowEnd { succeeded: true, reason: String::new(), result: workflow_result(b"\x00done") };
    let submit = SubmitBody { end: Some(&end), ..body(Mode::Workflow) };
    assert_golden("client_workflow_end.json", &submit.encode());
    assert_eq!(TransactionRequest::decode(&submit.encode()).unwrap().workflow_end().unwrap(), end);

    let custom_data = message_custom_data(30);
    let delayed = SubmitBody { custom_data: &custom_data, ..body(Mode::Message) };
    assert_golden("client_message_delay.json", &delayed.encode());
}

#[test]
fn what_our_client_registers_is_what_our_server_reads() {
    // behaviour 21, 95, decision 18
    let id = || BranchId::parse("0102").unwrap();
    let registrations = [
        Registration::Tcc {
            branch_id: id(),
            confirm: "http://a/confirm".into(),
            cancel: "".into(),
            data: "{\"amount\":30}".into(),
        },
        Registration::Xa { branch_id: id(), url: "http://a/xa".into(), data: Payload::empty() },
        Registration::Workflow {
            branch_id: id(),
            op: Op::Action,
            status: BranchStatus::Succeed,
            data: b"\xff\x00".as_slice().into(),
        },
    ];
    for (name, registration) in ["tcc", "xa", "workflow"].into_iter().zip(registrations) {
        let body = register_body("order-1", &registration);
        assert_golden(&format!("client_register_{name}.json"), &body);
        let read = RegisterRequest::decode(&body).unwrap();
        assert_eq!(read.gid, "order-1");
        assert_eq!(read.registration(&RequestLimits::default()).unwrap(), registration);
    }
}

#[test]
fn what_our_server_answers_is_what_our_client_reads() {
    let answer = |dtm_result: &str, message: &str, status: &str, gid: &str| Answer {
        dtm_result: dtm_result.to_owned(),
        message: message.to_owned(),
        status: status.to_owned(),
        gid: gid.to_owned(),
    };
    let rows = [
        (Envelope::success().to_vec(), answer("SUCCESS", "", "", "")),
        (Envelope::failure("no", Some("failed")), answer("FAILURE", "no", "failed", "")),
        (Envelope::ongoing("wait", None), answer("ONGOING", "wait", "", "")),
        (Envelope::error("why", Some("submitted")), answer("", "why", "submitted", "")),
        (Envelope::new_gid("g"), answer("SUCCESS", "", "", "g")),
        (br#"{"dtm_result":null,"new":[1]}"#.to_vec(), answer("", "", "", "")),
    ];
    for (body, expected) in rows {
        assert_eq!(Answer::decode(&body).unwrap(), expected);
    }
    for body in ["<html>", "", "[]", r#"{"dtm_result":1}"#] {
        assert!(Answer::decode(body.as_bytes()).is_err(), "{body}");
    }
}

fn every_option() -> Options {
    Options {
        wait_result: true,
        timeout_to_fail: Some(Seconds::new(60)),
        retry_interval: Some(Seconds::new(20)),
        retry_limit: Some(3),
        request_timeout: Some(Seconds::new(5)),
        branch_headers: BTreeMap::from([("Authorization".to_owned(), "Bearer \"t\"".to_owned())]),
        concurrent: true,
    }
}
