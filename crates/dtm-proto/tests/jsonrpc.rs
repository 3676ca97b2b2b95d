//! Calls over JSON-RPC as clients may write them (behaviour 36, 38, 39).

#![cfg(test)]

use dtm_proto::jsonrpc::{
    Answer, AnsweredError, Call, Code, Invalid, Method, call_body, error_body, success_body,
};

fn read(body: &str) -> Call {
    Call::decode(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

#[test]
fn an_envelope_is_read_wherever_its_parameters_stand_and_whatever_they_are() {
    // behaviour 6, 36
    for body in [
        r#"{"jsonrpc":"2.0","id":"1","method":"submit","params":{"gid":"g"}}"#,
        r#"{"params":[[[]]],"METHOD":"submit","Id":"1","jsonRPC":"2.0","other":null}"#,
        r#"{"method":"abort","method":"submit","id":"0","id":"1","jsonrpc":"2.0"}"#,
    ] {
        let call = read(body);
        assert_eq!((call.id.as_str(), call.method()), ("1", Ok(Method::Submit)), "{body}");
    }
}

#[test]
fn every_method_has_its_name_and_there_are_no_others() {
    for method in [Method::NewGid, Method::Prepare, Method::Submit, Method::Abort, Method::RegisterBranch] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":"1","method":"{}"}}"#, method.as_str());
        assert_eq!(read(&body).method(), Ok(method));
    }
    let unknown = read(r#"{"jsonrpc":"2.0","id":"1","method":"NewGid"}"#).method();
    assert_eq!(unknown, Err(Invalid::Method("NewGid".to_owned())));
}

#[test]
fn what_is_no_request_is_repeated_as_json_of_bounded_size() {
    // behaviour 39
    let long = "\"<".repeat(100_000);
    let body = serde_json::json!({"jsonrpc": "1.0", "id": long, "method": "submit"}).to_string();
    let text = read(&body).method().unwrap_err().to_string();
    let quoted = text.strip_prefix("Bad json request: ").unwrap();
    assert!(quoted.len() < 300, "{quoted}");
    let quoted: serde_json::Value = serde_json::from_str(quoted).unwrap();
    assert_eq!((&quoted["jsonrpc"], &quoted["method"]), (&"1.0".into(), &"submit".into()));
}

#[test]
fn parameters_are_read_as_over_http_but_their_gid_is_not_stripped() {
    // behaviour 9, 36
    let body = br#"{"params":{"GID":"a;b\n","trans_type":"saga","steps":null,"x":1},"params":null}"#;
    let request = Call::transaction(body).unwrap();
    assert_eq!((request.gid.as_str(), request.trans_type.as_str()), ("a;b\n", "saga"));
    let branch = Call::branch(br#"{"params":{"gid":"a;b","trans_type":"tcc","status":null}}"#).unwrap();
    assert_eq!((branch.gid.as_str(), branch.trans_type.as_str()), ("a;b", "tcc"));
}

#[test]
fn an_error_in_the_parameters_names_its_field_and_shows_no_value() {
    // decision 24
    for (body, field) in [
        (r#"{"params":{"steps":[{"action":4711}]}}"#, "params.steps[0].action"),
        (r#"{"params":{"retry_limit":"4711"}}"#, "params.retry_limit"),
        (r#"{"params":[4711]}"#, "params must be"),
        (r#"{"params":4711}"#, "params must be"),
        (r#"{"params":null}"#, "params must be"),
        (r#"{"id":"4711"}"#, "params must be"),
    ] {
        let error = Call::transaction(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(field) && !error.contains("4711"), "{body}: {error}");
    }
    let error = Call::branch(br#"{"params":{"data":4711}}"#).unwrap_err().to_string();
    assert!(error.contains("params.data"), "{error}");
}

#[test]
fn depth_and_size_of_parameters_do_not_matter_to_the_envelope() {
    let deep = format!(
        r#"{{"jsonrpc":"2.0","params":{}{},"id":"1","method":"x"}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    // Whether it can be read or not: nothing overflows.
    if let Ok(call) = Call::decode(deep.as_bytes()) {
        assert_eq!(call.id, "1");
    }
}

#[test]
fn what_our_client_calls_is_what_our_server_reads() {
    // behaviour 36
    let body = call_body(Method::Abort, "id \"1\"", br#"{"gid":"a;b","trans_type":"tcc"}"#);
    let call = Call::decode(&body).unwrap();
    assert_eq!((call.id.as_str(), call.method()), ("id \"1\"", Ok(Method::Abort)));
    assert_eq!(Call::transaction(&body).unwrap().gid, "a;b");
}

#[test]
fn what_our_server_answers_is_what_our_client_reads() {
    // behaviour 37, 39, decision 5
    let answer = Answer::decode(&success_body("1", Some("g"))).unwrap();
    assert_eq!(answer, Answer { id: "1".to_owned(), gid: "g".to_owned(), error: None });
    assert_eq!(Answer::decode(&success_body("1", None)).unwrap().gid, "");
    let error = Answer::decode(&error_body("1", Code::Failure, "no FAILURE", Some("failed"))).unwrap().error;
    let expected =
        AnsweredError { code: -32_901, message: "no FAILURE".to_owned(), status: Some("failed".to_owned()) };
    assert_eq!(error, Some(expected));
    for body in ["", "<html>", "[]", "{}", r#"{"id":1}"#, r#"{"id":"1","error":"no"}"#] {
        assert!(Answer::decode(body.as_bytes()).is_err(), "{body}");
    }
}
