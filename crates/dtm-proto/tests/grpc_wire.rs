//! The numbers and types of the gRPC messages, which every existing client was built with: each message is
//! written by hand from the table of the wire and read by the generated code.

#![cfg(test)]

use std::collections::BTreeMap;

use dtm_proto::grpc::{dtmgimp, workflow};
use prost::Message;

/// A message, written field by field.
#[derive(Default)]
struct Wire(Vec<u8>);

impl Wire {
    /// Wire type 0.
    fn number(mut self, field: u8, value: u8) -> Self {
        self.0.extend([field << 3, value]);
        self
    }

    /// Wire type 2.
    fn bytes(mut self, field: u8, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.0.extend([field << 3 | 2, u8::try_from(value.len()).unwrap()]);
        self.0.extend(value);
        self
    }

    /// One entry of a map of strings.
    fn entry(self, field: u8, key: &str, value: &str) -> Self {
        self.bytes(field, Self::default().bytes(1, key).bytes(2, value).0)
    }

    fn read<T: Message + Default>(&self) -> T {
        T::decode(self.0.as_slice()).unwrap()
    }
}

fn map(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

#[test]
fn a_request_has_the_numbers_of_the_table() {
    // behaviour 44
    let options = Wire::default()
        .number(1, 1)
        .number(2, 20)
        .number(3, 30)
        .bytes(4, "passthrough_headers of old clients")
        .entry(5, "Authorization", "token")
        .number(6, 60)
        .number(7, 70);
    let wire = Wire::default()
        .bytes(1, "g")
        .bytes(2, "saga")
        .bytes(3, options.0)
        .bytes(4, "{}")
        .bytes(5, b"\xff\x00")
        .bytes(5, "")
        .bytes(6, "host/query")
        .bytes(7, "null")
        .entry(8, "status", "succeed")
        .bytes(9, "no stock");
    let expected = dtmgimp::DtmRequest {
        gid: "g".to_owned(),
        trans_type: "saga".to_owned(),
        trans_options: Some(dtmgimp::DtmTransOptions {
            wait_result: true,
            timeout_to_fail: 20,
            retry_interval: 30,
            branch_headers: map("Authorization", "token"),
            request_timeout: 60,
            retry_limit: 70,
        }),
        customed_data: "{}".to_owned(),
        bin_payloads: vec![vec![0xff, 0], vec![]],
        query_prepared: "host/query".to_owned(),
        steps: "null".to_owned(),
        req_extra: map("status", "succeed"),
        rollback_reason: "no stock".to_owned(),
    };
    assert_eq!(wire.read::<dtmgimp::DtmRequest>(), expected);
}

#[test]
fn a_branch_a_gid_and_a_topic_have_the_numbers_of_the_table() {
    let wire = Wire::default()
        .bytes(1, "g")
        .bytes(2, "tcc")
        .bytes(3, "01")
        .bytes(4, "action")
        .entry(5, "confirm", "host/confirm")
        .bytes(6, b"\x01\xff");
    let expected = dtmgimp::DtmBranchRequest {
        gid: "g".to_owned(),
        trans_type: "tcc".to_owned(),
        branch_id: "01".to_owned(),
        op: "action".to_owned(),
        data: map("confirm", "host/confirm"),
        busi_payload: vec![1, 0xff],
    };
    assert_eq!(wire.read::<dtmgimp::DtmBranchRequest>(), expected);

    let gid = dtmgimp::DtmGidReply { gid: "g".to_owned() };
    assert_eq!(gid.encode_to_vec(), Wire::default().bytes(1, "g").0);

    let topic = Wire::default().bytes(1, "orders").bytes(2, "http://a").bytes(3, "note");
    let expected = dtmgimp::DtmTopicRequest {
        topic: "orders".to_owned(),
        url: "http://a".to_owned(),
        remark: "note".to_owned(),
    };
    assert_eq!(topic.read::<dtmgimp::DtmTopicRequest>(), expected);
}

#[test]
fn the_progress_of_a_workflow_has_the_numbers_of_the_table() {
    // behaviour 48, decision 17
    let reply = dtmgimp::DtmProgressesReply {
        transaction: Some(dtmgimp::DtmTransaction {
            gid: "g".to_owned(),
            status: "succeed".to_owned(),
            rollback_reason: "r".to_owned(),
            result: "cmVzdWx0".to_owned(),
        }),
        progresses: vec![dtmgimp::DtmProgress {
            status: "failed".to_owned(),
            bin_data: vec![0xff],
            branch_id: "01".to_owned(),
            op: "action".to_owned(),
        }],
    };
    let transaction = Wire::default().bytes(1, "g").bytes(2, "succeed").bytes(3, "r").bytes(4, "cmVzdWx0");
    let progress = Wire::default().bytes(1, "failed").bytes(2, b"\xff").bytes(3, "01").bytes(4, "action");
    let wire = Wire::default().bytes(1, transaction.0).bytes(2, progress.0);
    assert_eq!(reply.encode_to_vec(), wire.0);

    let data = workflow::WorkflowData { data: b"\x00\xff".to_vec() };
    assert_eq!(data.encode_to_vec(), Wire::default().bytes(1, b"\x00\xff").0);
}

#[test]
fn the_services_have_the_paths_that_clients_call() {
    // behaviour 42
    use tonic::server::NamedService;
    struct Nobody;
    assert_eq!(<dtmgimp::dtm_server::DtmServer<Nobody> as NamedService>::NAME, "dtmgimp.Dtm");
    assert_eq!(
        <workflow::workflow_server::WorkflowServer<Nobody> as NamedService>::NAME,
        "workflow.Workflow"
    );
    let generated = include_str!("../src/gen/dtmgimp.rs");
    for method in [
        "NewGid",
        "Submit",
        "Prepare",
        "Abort",
        "RegisterBranch",
        "PrepareWorkflow",
        "Subscribe",
        "Unsubscribe",
        "DeleteTopic",
    ] {
        assert!(generated.contains(&format!("\"/dtmgimp.Dtm/{method}\"")), "{method}");
    }
    assert!(include_str!("../src/gen/workflow.rs").contains("\"/workflow.Workflow/Execute\""));
}
