//! Bad and hostile bodies: each is refused with a message that names the field and never shows a value, in
//! bounded time and memory.

#![cfg(test)]

use dtm_core::model::Timestamp;
use dtm_proto::http::{DecodeError, RegisterRequest, RequestError, RequestLimits, TransactionRequest};

fn decode(body: impl AsRef<[u8]>) -> Result<TransactionRequest, DecodeError> {
    TransactionRequest::decode(body.as_ref())
}

fn refusal_within(body: impl AsRef<[u8]>, limits: &RequestLimits) -> RequestError {
    decode(body).unwrap().definition(Timestamp::from_millis(0), limits).unwrap_err()
}

fn refusal(body: impl AsRef<[u8]>) -> String {
    let error = refusal_within(body, &RequestLimits::default());
    assert_eq!(error.http_status(), 400);
    error.to_string()
}

/// A saga with `n` steps and these other fields.
fn saga(n: usize, fields: &str) -> String {
    let (steps, payloads) = (vec![r#"{"action":"http://x"}"#; n].join(","), vec![r#""{}""#; n].join(","));
    format!(r#"{{"gid":"g","trans_type":"saga","steps":[{steps}],"payloads":[{payloads}]{fields}}}"#)
}

fn with_custom_data(n: usize, custom_data: &str) -> String {
    saga(n, &format!(r#","custom_data":"{}""#, custom_data.replace('"', "\\\"")))
}

#[test]
fn a_field_of_the_wrong_type_is_named_and_its_value_is_not_shown() {
    // decision 14, 24
    let rows = [
        (r#"{"gid":7}"#, "gid must be a string or null, but is a number"),
        (r#"{"gid":["secret"]}"#, "gid must be a string or null, but is a list"),
        (r#"{"trans_type":{"secret":1}}"#, "trans_type must be a string or null, but is an object"),
        (r#"{"steps":"secret"}"#, "steps must be a list or null, but is a string"),
        (r#"{"steps":["secret"]}"#, "steps[0] must be an object"),
        (r#"{"steps":[{},{"action":true}]}"#, "steps[1].action must be a string or null, but is a boolean"),
        (r#"{"payloads":["a",{"secret":1}]}"#, "payloads[1] must be a string or null, but is an object"),
        (r#"{"custom_data":{"secret":1}}"#, "custom_data must be a string or null, but is an object"),
        (r#"{"wait_result":"secret"}"#, "wait_result must be true, false or null, but is a string"),
        (r#"{"wait_result":1}"#, "wait_result must be true, false or null, but is a number"),
        (r#"{"retry_limit":"secret"}"#, "retry_limit must be a whole number or null, but is a string"),
        (
            r#"{"retry_limit":1.5}"#,
            "retry_limit must be a whole number or null, but is a number with a fraction",
        ),
        (r#"{"timeout_to_fail":18446744073709551615}"#, "timeout_to_fail must be a whole number"),
        (r#"{"timeout_to_fail":99999999999999999999999}"#, "timeout_to_fail must be a whole number"),
        (r#"{"branch_headers":{"a":7}}"#, "each value of branch_headers must be a string or null"),
        (r#"{"branch_headers":["secret"]}"#, "branch_headers must be an object of strings or null"),
        (r#"{"req_extra":"secret"}"#, "req_extra must be an object of strings or null, but is a string"),
        (r#"{"passthrough_headers":"secret"}"#, "passthrough_headers must be a list or null"),
        ("null", "body must be a JSON object, but is null"),
        ("[]", "body must be a JSON object, but is a list"),
        (r#""secret""#, "body must be a JSON object, but is a string"),
    ];
    for (body, expected) in rows {
        let message = decode(body).unwrap_err().to_string();
        assert!(message.contains(expected), "{body}: {message}");
        assert!(!message.contains("secret"), "{body}: {message}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let rows: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"{\"gid\":\"g\"",
        b"{\"gid\":\"g\"}}",
        b"{\"gid\":\"g\"}{}",
        b"{'gid':'g'}",
        b"{\"gid\":\"a\nb\"}",
        b"{\"gid\":\"\xff\xfe\"}",
        b"{\"gid\":\"\\ud800\"}",
        b"\xef\xbb\xbf{\"gid\":\"g\"}",
        b"gid=g&trans_type=saga",
    ];
    for body in rows {
        let message = decode(body).unwrap_err().to_string();
        assert!(message.starts_with("body is not usable JSON: "), "{body:?}: {message}");
    }
}

#[test]
fn nesting_without_end_costs_neither_stack_nor_meaning() {
    let deep = 500_000;
    for open in ["[", "{\"a\":"] {
        for key in ["unknown", "gid", "steps", "payloads", "branch_headers"] {
            let body = format!("{{\"{key}\":{}", open.repeat(deep));
            assert!(decode(body).is_err(), "{key}");
        }
    }
    let closed = format!("{{\"unknown\":{}{},\"gid\":\"g\"}}", "[".repeat(deep), "]".repeat(deep));
    assert_eq!(decode(closed).unwrap().gid, "g");
}

#[test]
fn lists_of_millions_of_tiny_entries_are_refused_while_they_are_read() {
    let many = 3_000_000;
    for body in [
        format!(r#"{{"steps":[{}{{}}]}}"#, "{},".repeat(many)),
        format!(r#"{{"payloads":[{}""]}}"#, "\"\",".repeat(many)),
        format!(r#"{{"passthrough_headers":[{}""]}}"#, "\"\",".repeat(many)),
    ] {
        let message = decode(body).unwrap_err().to_string();
        assert!(message.contains("has more than 100000 entries"), "{message}");
    }
    let headers: String = (0..200_000).map(|n| format!("\"{n}\":\"\",")).collect();
    let message = decode(format!(r#"{{"branch_headers":{{{headers}"x":""}}}}"#)).unwrap_err().to_string();
    assert!(message.contains("branch_headers has more than 100000 entries"), "{message}");
}

#[test]
fn a_gid_a_mode_and_a_protocol_that_cannot_be_used_are_refused() {
    // decision 14, defect M6
    assert!(refusal(r#"{"trans_type":"tcc"}"#).contains("gid is empty"));
    assert!(refusal(r#"{"gid":";","trans_type":"tcc"}"#).contains("gid is empty"));
    assert!(refusal(r#"{"gid":"a\u0000b","trans_type":"tcc"}"#).contains("gid has a control character"));
    let long = format!(r#"{{"gid":"{}","trans_type":"tcc"}}"#, "x".repeat(256));
    assert!(refusal(long).contains("gid is 256 bytes long, at most 255 are allowed"));
    assert!(refusal(r#"{"gid":"g"}"#).contains("unknown trans_type ''"));
    assert!(
        refusal(r#"{"gid":"g","trans_type":"SAGA"}"#).contains("use one of saga, tcc, xa, msg, workflow")
    );
    assert!(
        refusal(r#"{"gid":"g","trans_type":"tcc","protocol":"soap"}"#).contains("unknown protocol 'soap'")
    );
}

#[test]
fn a_long_word_in_the_wrong_place_is_not_sent_back_in_full() {
    let long = "x".repeat(1 << 20);
    for body in [
        format!(r#"{{"gid":"g","trans_type":"{long}"}}"#),
        format!(r#"{{"gid":"g","trans_type":"tcc","protocol":"{long}"}}"#),
    ] {
        assert!(refusal(body).len() < 256);
    }
    for body in [
        format!(r#"{{"trans_type":"{long}"}}"#),
        format!(r#"{{"trans_type":"workflow","branch_id":"01","op":"{long}"}}"#),
        format!(r#"{{"trans_type":"workflow","branch_id":"01","op":"action","status":"{long}"}}"#),
    ] {
        let request = RegisterRequest::decode(body.as_bytes()).unwrap();
        let message = request.registration(&RequestLimits::default()).unwrap_err().to_string();
        assert!(message.len() < 256);
    }
}

#[test]
fn a_number_that_is_negative_or_too_large_is_refused_with_its_field() {
    for field in ["timeout_to_fail", "request_timeout", "retry_interval", "retry_limit"] {
        for value in ["-1", "2147483648", "9223372036854775807"] {
            let message = refusal(saga(1, &format!(r#","{field}":{value}"#)));
            assert_eq!(message, format!("{field} is {value}, allowed are 0 (not set) to 2147483647"));
        }
    }
    let body = r#"{"gid":"g","trans_type":"msg","custom_data":"{\"delay\":-1}"}"#;
    assert!(refusal(body).contains("custom_data.delay is -1"));
}

#[test]
fn every_step_needs_exactly_one_payload() {
    // behaviour 51, 52; decision 14, defect M6
    let steps = r#""steps":[{"action":"http://x"},{"action":"http://y"}]"#;
    for (payloads, found) in [("null", 0), ("[]", 0), (r#"["1"]"#, 1), (r#"["1","2","3"]"#, 3)] {
        for mode in ["saga", "msg"] {
            let message =
                refusal(format!(r#"{{"gid":"g","trans_type":"{mode}",{steps},"payloads":{payloads}}}"#));
            let expected = format!("payloads has {found} entries, but steps has 2");
            assert!(message.contains(&expected), "{message}");
        }
    }
    let old =
        r#"{"gid":"g","trans_type":"saga","steps":[{"action":"http://x","data":"1"},{"action":"http://y"}]}"#;
    assert!(refusal(old).contains("payloads has 1 entries, but steps has 2"));
}

#[test]
fn payloads_and_other_data_in_the_steps_are_refused_instead_of_one_being_ignored() {
    // behaviour 52
    let both = |data: &str| {
        let steps = format!(r#"[{{"action":"http://x"}},{{"action":"http://y","data":"{data}"}}]"#);
        format!(r#"{{"gid":"g","trans_type":"saga","steps":{steps},"payloads":["1","2"]}}"#)
    };
    assert!(refusal(both("3")).contains("steps[1].data is another text than payloads[1]"));
    for repeated in ["2", ""] {
        let request = TransactionRequest::decode(both(repeated).as_bytes()).unwrap();
        request.definition(Timestamp::from_millis(0), &RequestLimits::default()).unwrap();
    }
}

#[test]
fn orders_that_cannot_be_followed_are_refused() {
    // decision 14
    let rows = [
        (r#"{"concurrent":true,"orders":{"1":[2]}}"#, "orders names step 2, but there are 2 steps"),
        (r#"{"concurrent":true,"orders":{"2":[0]}}"#, "orders names step 2, but there are 2 steps"),
        (r#"{"concurrent":true,"orders":{"0":[1],"1":[0]}}"#, "orders has a cycle"),
        (r#"{"concurrent":true,"orders":{"1":[1]}}"#, "orders has a cycle"),
        (r#"{"concurrent":true,"orders":{"1":[-1]}}"#, "each value of custom_data.orders[0] must be"),
        (r#"{"concurrent":true,"orders":{"-1":[0]}}"#, "custom_data.orders must have the 0-based numbers"),
        (r#"{"concurrent":true,"orders":{"one":[0]}}"#, "custom_data.orders must have the 0-based numbers"),
        (r#"{"concurrent":true,"orders":[[],[0]]}"#, "custom_data.orders must be an object such as"),
        (r#"{"concurrent":"yes"}"#, "custom_data.concurrent must be true, false or null"),
        (r#"{"orders":{"0":[1]}}"#, "step 0 wait for step 1, but without \"concurrent\":true"),
        ("concurrent", "custom_data is not usable JSON"),
        ("[]", "custom_data must be a JSON object"),
    ];
    for (custom_data, expected) in rows {
        let message = refusal(with_custom_data(2, custom_data));
        assert!(message.contains(expected), "{custom_data}: {message}");
    }
}

#[test]
fn orders_that_repeat_the_listed_order_are_fine_without_concurrent() {
    let request = decode(with_custom_data(3, r#"{"orders":{"1":[0],"2":[0,1]}}"#)).unwrap();
    let definition = request.definition(Timestamp::from_millis(0), &RequestLimits::default()).unwrap();
    let expected = dtm_core::model::Ordering::Sequential;
    assert!(matches!(definition.plan, dtm_core::model::Plan::Saga { ordering, .. } if ordering == expected));
}

#[test]
fn orders_with_a_million_entries_are_refused_before_they_are_followed() {
    let limits = RequestLimits { custom_data_bytes_max: 1 << 30, ..RequestLimits::default() };
    let entries = format!("{}0", "0,".repeat(60_000));
    let many: String = (0..10).map(|step| format!("\"{step}\":[{entries}],")).collect();
    let body = with_custom_data(10, &format!(r#"{{"concurrent":true,"orders":{{{many}"9":[]}}}}"#));
    let message = refusal_within(body, &limits).to_string();
    assert_eq!(message, "custom_data.orders has 600021 entries, at most 100000 are allowed");

    let keys: String = (0..1_100_000).map(|step| format!("\"{step}\":[],")).collect();
    let body = with_custom_data(10, &format!(r#"{{"concurrent":true,"orders":{{{keys}"9":[]}}}}"#));
    let message = refusal_within(body, &limits).to_string();
    assert!(message.contains("custom_data.orders has more than 1000000 entries"), "{message}");
}

#[test]
fn what_is_over_a_limit_is_refused_with_the_limit_named() {
    // decision 11, defects B11, S9
    assert!(refusal(saga(10_001, "")).contains("10001 branches are more than MaxBranches = 10000 allows"));

    let custom_data = format!(r#"{{"name":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(
        refusal(with_custom_data(1, &custom_data)),
        "custom_data is 1048587 bytes long, at most 1048576 are allowed (MaxCustomDataBytes)"
    );

    let url = format!("http://host/{}", "a".repeat(8_192));
    let body = format!(
        r#"{{"gid":"g","trans_type":"msg","steps":[{{"action":"http://x"}},{{"action":"{url}"}}],"payloads":["",""]}}"#
    );
    assert_eq!(refusal(body), "steps[1].action is 8204 bytes long, at most 8192 are allowed (MaxUrlBytes)");

    let bomb = format!(r#","branch_headers":{{"a":"{}"}}"#, "x".repeat(16 << 10));
    assert_eq!(
        refusal(saga(1, &bomb)),
        "branch_headers is 16385 bytes long, at most 16384 are allowed (MaxBranchHeaderBytes)"
    );
}

#[test]
fn a_header_that_cannot_be_sent_is_refused() {
    for headers in [
        r#"{"":"x"}"#,
        r#"{"a b":"x"}"#,
        r#"{"a:":"x"}"#,
        r#"{"a\r\nb":"x"}"#,
        r#"{"a":"x\r\nHost: evil"}"#,
        r#"{"a":"\u0000"}"#,
    ] {
        let message = refusal(saga(1, &format!(r#","branch_headers":{headers}"#)));
        assert!(message.starts_with("branch_headers"), "{message}");
    }
}

#[test]
fn a_url_with_a_control_character_is_refused_with_its_field() {
    let body = r#"{"gid":"g","trans_type":"saga","steps":[{"action":"http://x","compensate":"http://x/\r\n"}],"payloads":[""]}"#;
    assert!(refusal(body).starts_with("steps[0].compensate must be a URL without control characters"));
    let body = r#"{"gid":"g","trans_type":"msg","query_prepared":"http://x/\u0000"}"#;
    assert!(refusal(body).starts_with("query_prepared must be a URL"));
}

#[test]
fn a_workflow_needs_base64_input_and_a_known_end() {
    let body = r#"{"gid":"g","trans_type":"workflow","custom_data":"{\"name\":\"n\",\"data\":\"*\"}"}"#;
    assert_eq!(refusal(body), "custom_data.data must be standard base64");
    for extra in ["null", "{}", r#"{"status":"prepared"}"#] {
        let request =
            decode(format!(r#"{{"gid":"g","trans_type":"workflow","req_extra":{extra}}}"#)).unwrap();
        let message = request.workflow_end().unwrap_err().to_string();
        assert_eq!(message, "req_extra.status must be succeed or failed");
    }
}

#[test]
fn a_registration_that_cannot_be_used_is_refused() {
    // behaviour 23, 24; decision 14
    let refusal = |body: &str| {
        let limits = RequestLimits::default();
        let error = RegisterRequest::decode(body.as_bytes()).unwrap().registration(&limits).unwrap_err();
        (error.http_status(), error.to_string())
    };
    assert_eq!(refusal(r#"{"gid":"g","trans_type":"saga"}"#), (500, "unknow trans type: saga".to_owned()));
    assert_eq!(refusal(r#"{"gid":"g","trans_type":null}"#), (500, "unknow trans type: ".to_owned()));
    let (status, message) = refusal(r#"{"gid":"g","trans_type":"tcc"}"#);
    assert_eq!((status, message.as_str()), (400, "branch_id is empty"));
    let (_, message) =
        refusal(r#"{"trans_type":"workflow","branch_id":"01","op":"jump","status":"succeed"}"#);
    assert!(message.contains("unknown op 'jump'"), "{message}");
    let (_, message) = refusal(r#"{"trans_type":"workflow","branch_id":"01","op":"action","status":"done"}"#);
    assert!(message.contains("'done'") && message.contains("prepared, succeed, failed"), "{message}");
    let (_, message) = refusal(r#"{"trans_type":"xa","branch_id":"01","url":"http://x","bin_data":"*"}"#);
    assert_eq!(message, "bin_data must be standard base64");

    for body in [r#"{"gid":"g","data":{"a":1}}"#, r#"{"gid":"g","amount":30}"#, r#"{"gid":true}"#, "[]", "{"]
    {
        let message = RegisterRequest::decode(body.as_bytes()).unwrap_err().to_string();
        assert!(message.starts_with("body"), "{message}");
    }
}
