//! The bodies that existing clients send mean what those clients mean by them.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dtm_core::model::{
    BranchStatus, Definition, Mode, Op, Options, Ordering, Plan, Protocol, Registration, Seconds, Step,
    StepIndex, Timestamp, WorkflowEnd,
};
use dtm_proto::http::{GidRequest, RegisterRequest, RequestLimits, TransactionRequest};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const AMOUNT: &str = r#"{"amount":30}"#;

fn body(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bodies").join(name)).unwrap()
}

fn request(name: &str) -> TransactionRequest {
    TransactionRequest::decode(&body(name)).unwrap()
}

fn definition(name: &str) -> Definition {
    request(name).definition(NOW, &RequestLimits::default()).unwrap()
}

fn registration(name: &str) -> (String, Registration) {
    let request = RegisterRequest::decode(&body(name)).unwrap();
    let registration = request.registration(&RequestLimits::default()).unwrap();
    (request.gid, registration)
}

fn steps_of(definition: &Definition) -> Vec<(&str, &str, &str)> {
    let mut steps = Vec::new();
    for Step { action, compensate, payload, .. } in definition.plan.steps() {
        steps.push((&**action, &**compensate, std::str::from_utf8(payload.as_bytes()).unwrap()));
    }
    steps
}

fn is_second_after_first(definition: &Definition) -> bool {
    let Plan::Saga { ordering: Ordering::Concurrent(graph), .. } = &definition.plan else { return false };
    graph.iter().collect::<Vec<_>>() == [(StepIndex::new(1), [StepIndex::new(0)].as_slice())]
}

#[test]
fn a_saga_of_python_has_nulls_and_its_payloads_verbatim() {
    // behaviour 6, 51, 67; sdk-wire 2
    let definition = definition("python_saga.json");
    assert_eq!(definition.gid.as_str(), "py-1");
    assert_eq!(definition.protocol, Protocol::Http);
    assert_eq!(
        steps_of(&definition),
        [
            ("http://a/out", "http://a/out-undo", r#"{"amount": 30}"#),
            ("http://b/in", "http://b/in-undo", r#"{"amount": 30}"#)
        ]
    );
    assert!(matches!(definition.plan, Plan::Saga { ordering: Ordering::Sequential, .. }));
    assert_eq!(definition.options, Options { request_timeout: Some(Seconds::new(8)), ..Options::default() });
    assert_eq!(definition.custom_data, "");
    assert_eq!(definition.created_at, NOW);
}

#[test]
fn a_saga_of_node_is_concurrent_with_orders() {
    // behaviour 63; sdk-wire 3
    let definition = definition("node_saga.json");
    assert!(is_second_after_first(&definition));
    assert_eq!(definition.options, Options::default());
    assert_eq!(definition.custom_data, r#"{"concurrent":true,"orders":{"1":[0]}}"#);
}

#[test]
fn a_message_of_node_has_its_delay_in_custom_data() {
    // behaviour 14, 90; decision 21
    let definition = definition("node_msg_submit.json");
    let Plan::Message { query_prepared, delay, steps } = &definition.plan else { panic!("a message") };
    assert_eq!((&**query_prepared, *delay), ("http://a/query", Some(Seconds::new(10))));
    assert_eq!(*steps, [Step::new("http://a/in", "", AMOUNT)]);
}

#[test]
fn a_tcc_of_java_has_a_key_twice() {
    // behaviour 6; sdk-wire 5
    let definition = definition("java_tcc.json");
    assert_eq!((definition.gid.as_str(), definition.plan), ("java-1", Plan::Tcc));
}

#[test]
fn a_saga_of_java_has_options_and_an_unknown_key_twice() {
    // behaviour 6; sdk-wire 5
    let definition = definition("java_saga.json");
    assert!(is_second_after_first(&definition));
    assert_eq!(
        definition.options,
        Options {
            wait_result: true,
            timeout_to_fail: Some(Seconds::new(35)),
            retry_interval: Some(Seconds::new(10)),
            ..Options::default()
        }
    );
}

#[test]
fn requests_of_csharp_write_every_property() {
    // behaviour 6; sdk-wire 6
    let tcc = request("csharp_tcc.json");
    assert_eq!(tcc.mode().unwrap(), Mode::Tcc);
    assert_eq!(tcc.rollback_reason, "no stock");
    assert_eq!(definition("csharp_tcc.json").plan, Plan::Tcc);

    let saga = definition("csharp_saga.json");
    assert_eq!(steps_of(&saga), [("http://a/out", "http://a/undo", AMOUNT)]);
    assert_eq!(
        saga.options,
        Options {
            wait_result: true,
            timeout_to_fail: Some(Seconds::new(60)),
            retry_interval: Some(Seconds::new(20)),
            retry_limit: Some(3),
            request_timeout: Some(Seconds::new(5)),
            branch_headers: BTreeMap::from([("Authorization".to_owned(), "Bearer t".to_owned())]),
            concurrent: false,
        }
    );
}

#[test]
fn a_workflow_of_csharp_is_prepared_with_its_input_and_submitted_with_its_end() {
    // behaviour 94, 96
    let definition = definition("csharp_workflow_prepare.json");
    let Plan::Workflow { callback, name, data } = definition.plan else { panic!("a workflow") };
    assert_eq!((&*callback, &*name), ("http://a/workflow/resume", "transfer"));
    assert_eq!(data.as_bytes(), b"\xff\x00{}");

    let end = request("csharp_workflow_submit.json").workflow_end().unwrap();
    let expected = WorkflowEnd { succeeded: false, reason: "no stock".to_owned(), result: String::new() };
    assert_eq!(end, expected);
}

#[test]
fn the_old_form_has_its_payloads_inside_the_steps() {
    // behaviour 52
    assert_eq!(
        steps_of(&definition("old_saga.json")),
        [
            ("http://a/out", "http://a/undo", r#"{"amount":30}"#),
            ("http://b/in", "http://b/undo", r#"{"amount":31}"#)
        ]
    );
}

#[test]
fn branches_of_every_client_are_registered() {
    // behaviour 21; sdk-wire 2, 3, 5, 6
    for (name, gid, data) in [
        ("python_register.json", "py-2", r#"{"amount": 30}"#),
        ("node_register.json", "node-3", AMOUNT),
        ("java_register.json", "java-1", AMOUNT),
    ] {
        let (found_gid, registration) = registration(name);
        assert_eq!(found_gid, gid, "{name}");
        let Registration::Tcc { branch_id, confirm, cancel, data: payload } = registration else {
            panic!("{name} is a tcc branch")
        };
        assert_eq!((branch_id.as_str(), &*confirm, &*cancel), ("01", "http://a/confirm", "http://a/cancel"));
        assert_eq!(payload.as_bytes(), data.as_bytes());
    }
    let (_, xa) = registration("csharp_register_xa.json");
    assert!(
        matches!(xa, Registration::Xa { url, data, .. } if &*url == "http://a/phase2" && data.is_empty())
    );
    let (_, workflow) = registration("csharp_register_workflow.json");
    let Registration::Workflow { op, status, data, .. } = workflow else { panic!("a workflow step") };
    assert_eq!(
        (op, status, data.as_bytes()),
        (Op::Action, BranchStatus::Succeed, br#"{"ok":true}"#.as_slice())
    );
}

#[test]
fn bytes_that_are_no_text_are_registered_as_base64() {
    // decision 18, defect B16
    let body = br#"{"gid":"g","trans_type":"workflow","branch_id":"01","op":"action","status":"succeed","data":"x","bin_data":"/wA="}"#;
    let registration =
        RegisterRequest::decode(body).unwrap().registration(&RequestLimits::default()).unwrap();
    let Registration::Workflow { data, .. } = registration else { panic!("a workflow step") };
    assert_eq!(data.as_bytes(), b"\xff\x00");
}

#[test]
fn a_gid_loses_line_ends_and_semicolons_and_nothing_else() {
    // behaviour 9
    let body = r#"{"gid":"a\n\r; b'\"订单/1;","trans_type":"tcc","branch_id":"01"}"#.as_bytes();
    let expected = "a b'\"订单/1";
    assert_eq!(TransactionRequest::decode(body).unwrap().gid, expected);
    assert_eq!(RegisterRequest::decode(body).unwrap().gid, expected);
    assert_eq!(GidRequest::decode(body).unwrap().gid().unwrap().as_str(), expected);
}

#[test]
fn keys_count_in_any_case_the_last_one_wins_and_null_changes_nothing() {
    // behaviour 6
    let body = br#"{"GID":"a","Trans_Type":"saga","gid":"b","gid":null,"PAYLOADS":["1"],"payloads":["2"],
        "steps":[{"action":"http://x"}],"unknown":{"gid":["c"]},"x":1e999,"wait_result":null}"#;
    let request = TransactionRequest::decode(body).unwrap();
    assert_eq!(request.gid, "b");
    let definition = request.definition(NOW, &RequestLimits::default()).unwrap();
    assert_eq!(steps_of(&definition), [("http://x", "", "2")]);
}

#[test]
fn empty_lists_stand_for_empty_objects_because_php_writes_them_so() {
    // defect R20
    for orders in ["[]", "null", "{}"] {
        let custom_data = format!(r#"{{"concurrent":true,"orders":{orders}}}"#).replace('"', "\\\"");
        let body = format!(
            r#"{{"gid":"g","trans_type":"saga","steps":[{{"action":"http://x"}}],"payloads":[null],
                "branch_headers":[],"req_extra":[],"custom_data":"{custom_data}"}}"#
        );
        let request = TransactionRequest::decode(body.as_bytes()).unwrap();
        let definition = request.definition(NOW, &RequestLimits::default()).unwrap();
        let Plan::Saga { ordering: Ordering::Concurrent(graph), steps } = &definition.plan else {
            panic!("a concurrent saga with orders {orders}")
        };
        assert_eq!(graph.iter().count(), 0);
        assert!(steps[0].payload.is_empty());
    }
}

#[test]
fn an_old_client_names_headers_to_pass_on() {
    let body = br#"{"gid":"g","trans_type":"tcc","passthrough_headers":["Authorization"]}"#;
    assert_eq!(TransactionRequest::decode(body).unwrap().passthrough_headers, ["Authorization"]);
}
