//! Calls over JSON-RPC: behaviour 40, 41.

use serde_json::{Value, json};

use dtm_core::coordinator::BranchCall;
use dtm_core::model::{Outcome, Payload, Protocol};

use super::fixtures::{Server, answer, call, cause, headers, transport};
use crate::transport::Transport;

fn json_rpc(url: &str) -> BranchCall {
    BranchCall { protocol: Protocol::JsonRpc, ..call(url) }
}

#[tokio::test]
async fn a_branch_gets_a_request_with_its_coordinates_among_the_fields_of_the_payload() {
    // behaviour 40
    let mut server = Server::answering(answer("200 OK", r#"{"jsonrpc":"2.0","id":"1","result":null}"#)).await;
    let mut branch = json_rpc(&server.url("/rpc?method=TransIn&x=1"));
    branch.payload = Payload::from(r#"{"amount": 12345678901234567890.10,"op":"forged"}"#);
    let branch_headers = headers([("x-token", "t")]);
    assert_eq!(transport().call(&branch, &branch_headers).await, Outcome::Success);
    let request = server.next();
    assert_eq!(request.line(), "POST /rpc?method=TransIn&x=1 HTTP/1.1", "no coordinates in the query");
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("x-token"), ["t"]);
    let text = String::from_utf8(request.body).unwrap();
    assert!(text.contains("\"amount\":12345678901234567890.10"), "numbers stay as they are: {text}");
    let mut body: Value = serde_json::from_str(&text).unwrap();
    let id = body["id"].take();
    assert_eq!(id.as_str().map(str::len), Some(22), "{id}");
    body["params"]["amount"] = json!(1);
    let params =
        json!({"amount": 1, "branch_id": "01", "gid": "order-47", "op": "action", "trans_type": "saga"});
    assert_eq!(body, json!({"jsonrpc": "2.0", "method": "TransIn", "params": params, "id": null}));
}

#[tokio::test]
async fn no_payload_and_null_are_no_fields_and_anything_else_is_not_sent() {
    // defect B2
    let mut server = Server::answering(answer("200 OK", "{}")).await;
    let transport = transport();
    for payload in ["", "null"] {
        let mut branch = json_rpc(&server.url("/rpc?method=m"));
        branch.payload = Payload::from(payload);
        assert_eq!(transport.call(&branch, &headers([])).await, Outcome::Success, "{payload:?}");
        let body: Value = serde_json::from_slice(&server.next().body).unwrap();
        assert_eq!(body["params"]["gid"], "order-47");
    }
    for payload in ["[]", "[1]", "7", "{"] {
        let mut branch = json_rpc(&server.url("/rpc?method=m"));
        branch.payload = Payload::from(payload);
        let outcome = transport.call(&branch, &headers([])).await;
        assert!(cause(&outcome).contains("JSON object"), "{payload:?}: {outcome:?}");
    }
    assert!(server.received.try_recv().is_err());
}

#[tokio::test]
async fn the_error_codes_count_after_the_rules_of_http() {
    // behaviour 41, decision 4, defect B8
    let failure = |reason: &str| Outcome::Failure { reason: reason.to_owned() };
    for (status, body, expected) in [
        ("200 OK", r#"{"error":{"code":-32901,"message":"no stock"}}"#, failure("no stock")),
        ("200 OK", r#"{"error":{"code":-32902,"message":"busy"}}"#, Outcome::Ongoing),
        ("200 OK", r#"{"error":null,"result":1}"#, Outcome::Success),
        ("409 Conflict", "no", failure("no")),
        ("425 Too Early", r#"{"error":{"code":-32901}}"#, Outcome::Ongoing),
    ] {
        let server = Server::answering(answer(status, body)).await;
        let outcome = transport().call(&json_rpc(&server.url("/rpc?method=m")), &headers([])).await;
        assert_eq!(outcome, expected, "{status} {body}");
    }
    for body in [r#"{"error":{"code":-32603,"message":"FAILURE"}}"#, "[]", "fine"] {
        let server = Server::answering(answer("200 OK", body)).await;
        let outcome = transport().call(&json_rpc(&server.url("/rpc?method=m")), &headers([])).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{body}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_url_without_method_is_plain_http() {
    // behaviour 40
    let mut server = Server::answering(answer("200 OK", "")).await;
    assert_eq!(transport().call(&json_rpc(&server.url("/a")), &headers([])).await, Outcome::Success);
    let request = server.next();
    assert_eq!(request.line(), "POST /a?branch_id=01&gid=order-47&op=action&trans_type=saga HTTP/1.1");
    assert_eq!(request.body, b"{\"amount\":30}");
}
