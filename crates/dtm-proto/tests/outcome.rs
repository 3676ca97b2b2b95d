//! Every row of the table that reads the result of a branch.

use dtm_core::model::Outcome;
use dtm_proto::outcome::{ResultProtocol, from_grpc, from_http, from_json_rpc};

use Meaning::{Failure, NotSent, Ongoing, Success, Unknown};
use ResultProtocol::{Compat, Legacy, Strict};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Success,
    Failure,
    Ongoing,
    Unknown,
    NotSent,
}

fn meaning(outcome: &Outcome) -> Meaning {
    match outcome {
        Outcome::Success => Success,
        Outcome::Failure { .. } => Failure,
        Outcome::Ongoing => Ongoing,
        Outcome::Unknown { .. } => Unknown,
        Outcome::NotSent { .. } => NotSent,
    }
}

#[test]
fn every_http_answer_means_what_the_table_says() {
    // behaviour 55; decision 3; defects B13, S10
    let rows: &[(u16, &str, [Meaning; 3])] = &[
        // status, body, [compat, legacy, strict]
        (200, "", [Success, Success, Success]),
        (200, r#"{"dtm_result":"SUCCESS"}"#, [Success, Success, Success]),
        (200, r#"{"dtm_result":"FAILURE"}"#, [Failure, Failure, Success]),
        (200, r#"{"dtm_result":"ONGOING"}"#, [Ongoing, Ongoing, Success]),
        (200, " \n{ \"a\": [{}], \"dtm_result\": \"FAILURE\", \"b\": 1e9 }\n", [Failure, Failure, Success]),
        (200, r#"{"dtm_result":"SUCCESS","dtm_result":"FAILURE"}"#, [Failure, Failure, Success]),
        (200, r#"{"dtm_result":"\u0046AILURE"}"#, [Failure, Success, Success]),
        (200, "FAILURE", [Failure, Failure, Success]),
        (200, " FAILURE\r\n", [Failure, Failure, Success]),
        (200, "ONGOING", [Ongoing, Ongoing, Success]),
        // a payload that happens to contain the word
        (200, r#"{"note":"FAILURE of the old pump"}"#, [Success, Failure, Success]),
        (200, r#"{"note":"ONGOING"}"#, [Success, Ongoing, Success]),
        (200, r#"{"data":{"dtm_result":"FAILURE"}}"#, [Success, Failure, Success]),
        (200, r#"[{"dtm_result":"FAILURE"}]"#, [Success, Failure, Success]),
        (200, r#"{"DTM_RESULT":"FAILURE"}"#, [Success, Failure, Success]),
        (200, r#"{"dtm_result":"FAILURES"}"#, [Success, Failure, Success]),
        (200, r#"{"dtm_result":"failure"}"#, [Success, Success, Success]),
        (200, r#"{"dtm_result":["FAILURE"]}"#, [Success, Failure, Success]),
        (200, r#"{"dtm_result":{"FAILURE":1}}"#, [Success, Failure, Success]),
        (200, r#"{"dtm_result":null}"#, [Success, Success, Success]),
        (200, r#"{"dtm_result":7}"#, [Success, Success, Success]),
        // broken, but it means to say something: neither a success nor a failure
        (200, r#"{"dtm_result":"FAILURE""#, [Unknown, Failure, Success]),
        (200, "{\"dtm_result\":\"FAILURE\",\"message\":\"a\nb\"}", [Unknown, Failure, Success]),
        (200, r#"{"result":"#, [Success, Success, Success]),
        (200, r#""FAILURE""#, [Success, Failure, Success]),
        (200, "FAILURE ONGOING", [Success, Ongoing, Success]),
        (409, "", [Failure, Failure, Failure]),
        (409, "no stock", [Failure, Failure, Failure]),
        (409, "ONGOING", [Failure, Ongoing, Failure]),
        (409, r#"{"dtm_result":"SUCCESS"}"#, [Failure, Failure, Failure]),
        (425, "", [Ongoing, Ongoing, Ongoing]),
        (425, "FAILURE", [Ongoing, Ongoing, Ongoing]),
        // C#'s service answers 422
        (422, "FAILURE", [Failure, Failure, Unknown]),
        (422, r#"{"dtm_result":"FAILURE","message":"no stock"}"#, [Failure, Failure, Unknown]),
        (500, r#"{"dtm_result":"FAILURE"}"#, [Failure, Failure, Unknown]),
        (500, r#"{"dtm_result":"ONGOING"}"#, [Ongoing, Ongoing, Unknown]),
        (500, r#"{"dtm_result":"SUCCESS"}"#, [Unknown, Unknown, Unknown]),
        (500, "panic: FAILURE while FAILURE", [Unknown, Failure, Unknown]),
        (201, "", [Unknown, Unknown, Unknown]),
        (204, "", [Unknown, Unknown, Unknown]),
        (302, "", [Unknown, Unknown, Unknown]),
        (404, "not found", [Unknown, Unknown, Unknown]),
        (408, "", [Unknown, Unknown, Unknown]),
        (502, "", [Unknown, Unknown, Unknown]),
    ];
    for (status, body, expected) in rows {
        let found = [Compat, Legacy, Strict].map(|it| meaning(&from_http(*status, body.as_bytes(), it)));
        assert_eq!(found, *expected, "status {status}, body {body:?}, [compat, legacy, strict]");
    }
}

#[test]
fn a_body_that_is_not_utf_8_or_nested_without_end_does_not_change_the_status() {
    let hostile: [Vec<u8>; 3] = [
        vec![0xff, 0xfe, b'F'],
        b"{\"a\":\"\xff\xff\"}".to_vec(),
        [b"{\"a\":".to_vec(), vec![b'['; 1_000_000]].concat(),
    ];
    for body in &hostile {
        for protocol in ResultProtocol::ALL {
            assert_eq!(meaning(&from_http(200, body, protocol)), Success);
            assert_eq!(meaning(&from_http(409, body, protocol)), Failure);
            assert_eq!(meaning(&from_http(500, body, protocol)), Unknown);
        }
    }
}

#[test]
fn a_result_that_is_nested_without_end_is_unknown() {
    let body = [b"{\"dtm_result\":".to_vec(), vec![b'['; 1_000_000]].concat();
    assert_eq!(meaning(&from_http(200, &body, Compat)), Unknown);
}

#[test]
fn a_failure_carries_the_body_and_an_unknown_result_does_not() {
    // behaviour 58: the body becomes the rollback_reason
    let failure = from_http(409, b"no stock", Compat);
    assert_eq!(failure, Outcome::Failure { reason: "no stock".to_owned() });
    let Outcome::Unknown { cause } = from_http(503, b"secret", Compat) else { panic!("503 is unknown") };
    assert!(cause.contains("503") && !cause.contains("secret") && cause.len() <= 256, "{cause}");
}

#[test]
fn a_json_rpc_error_code_means_failure_or_ongoing_and_every_other_error_is_unknown() {
    // behaviour 41; decision 4; defect B8
    let rows: &[(u16, &str, Meaning)] = &[
        (200, r#"{"jsonrpc":"2.0","id":"1","result":{}}"#, Success),
        (200, r#"{"jsonrpc":"2.0","id":"1","error":null,"result":null}"#, Success),
        (200, r#"{"error":{"code":-32901,"message":"no stock"}}"#, Failure),
        (200, r#"{"error":{"code":-32901.0}}"#, Failure),
        (200, r#"{"error":{"code":-32902,"message":"wait"}}"#, Ongoing),
        (200, r#"{"error":{"code":-32603,"message":"FAILURE"}}"#, Unknown),
        (200, r#"{"error":{"code":"-32901"}}"#, Unknown),
        (200, r#"{"error":{"message":"no code"}}"#, Unknown),
        (200, r#"{"error":"text"}"#, Unknown),
        (200, "not JSON", Unknown),
        (200, "[]", Unknown),
        (200, "", Unknown),
        (500, r#"{"error":{"code":-32901,"message":"no stock"}}"#, Failure),
        (500, r#"{"result":{}}"#, Unknown),
        (502, "bad gateway", Unknown),
        // the HTTP table comes first
        (409, r#"{"error":{"code":-32902}}"#, Failure),
        (425, r#"{"error":{"code":-32901}}"#, Ongoing),
        (200, r#"{"dtm_result":"FAILURE"}"#, Failure),
    ];
    for (status, body, expected) in rows {
        let found = meaning(&from_json_rpc(*status, body.as_bytes(), Compat));
        assert_eq!(found, *expected, "status {status}, body {body:?}");
    }
    assert_eq!(
        from_json_rpc(200, br#"{"error":{"code":-32901,"message":"no stock"}}"#, Strict),
        Outcome::Failure { reason: "no stock".to_owned() }
    );
}

#[test]
fn a_grpc_status_means_what_the_table_says() {
    // behaviour 46
    use tonic::Code;
    let rows = [
        (Code::Ok, "", Success),
        (Code::Aborted, "no stock", Failure),
        (Code::Aborted, "ONGOING", Ongoing),
        (Code::Aborted, "still ONGOING", Failure),
        (Code::FailedPrecondition, "FAILURE", Ongoing),
        (Code::DeadlineExceeded, "", Unknown),
        (Code::Unavailable, "", Unknown),
        (Code::Cancelled, "", Unknown),
        (Code::Unknown, "FAILURE", Unknown),
        (Code::Internal, "", Unknown),
    ];
    for (code, message, expected) in rows {
        assert_eq!(meaning(&from_grpc(code, message)), expected, "{code:?} {message:?}");
    }
}

#[test]
fn the_name_of_a_result_protocol_is_read_back_and_another_is_refused() {
    // decision 29
    for protocol in ResultProtocol::ALL {
        assert_eq!(ResultProtocol::parse(protocol.as_str()), Ok(protocol));
    }
    let refused = ResultProtocol::parse("Compat").unwrap_err().to_string();
    assert!(refused.contains("compat, legacy, strict"), "{refused}");
}
