//! Bodies that no client should send: each has a decided answer and stores nothing (decision 14, defect M6).

use serde_json::{Value, json};

use crate::harness::{Answer, Branches, SUCCESS, Server, With, both, message, saga};

/// Nothing is stored, nothing was called, and the server goes on.
async fn assert_unharmed(server: &Server, branches: &Branches) {
    let all = server.get("/api/dtmsvr/all").await;
    assert_eq!(all.parts(), (200, r#"{"next_position":"","transactions":[]}"#));
    assert!(branches.calls().is_empty(), "{:?}", branches.paths());
    server.submit(&saga("good", branches, 1)).await;
    assert_eq!(server.end_of("good").await.status(), "succeed");
}

fn assert_refused(answer: &Answer, status: u16, words: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert!(answer.message().contains(words), "{what}: '{words}' is not in {answer:?}");
    let dtm_result = answer.json().get("dtm_result").cloned();
    assert_eq!(dtm_result, (status == 409).then(|| json!("FAILURE")), "{what}: {answer:?}");
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_an_internal_error_without_dtm_result() {
    // behaviour 4
    let (server, branches) = both().await;
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        b"nonsense",
        b"null",
        b"[]",
        b"\"text\"",
        b"17",
        b"{\"gid\":\"g\"",
        b"{\"gid\":\"g\",}",
        b"{\"gid\":\"g\"} more",
        b"{\"gid\":\"\xff\xfe\"}",
        b"\x00\x01\x02",
    ];
    for verb in ["prepare", "submit", "abort", "forceStop", "resetNextCronTime"] {
        for body in bodies {
            let answer = server.post_text(verb, body).await;
            let what = format!("{verb} {}", String::from_utf8_lossy(body));
            assert_eq!(answer.status, 500, "{what}: {answer:?}");
            assert!(answer.json().get("dtm_result").is_none(), "{what}: {answer:?}");
            assert!(!answer.message().is_empty(), "{what}: {answer:?}");
        }
    }
    let deep = format!("{{\"gid\":\"g\",\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = server.post_text("submit", deep).await;
    assert!([400, 500].contains(&answer.status), "nesting without an end: {answer:?}");
    assert_unharmed(&server, &branches).await;
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named() {
    // behaviour 4: an error of decoding is 500, as with DTM
    let (server, branches) = both().await;
    for (name, value) in [
        ("gid", json!(1)),
        ("trans_type", json!(["saga"])),
        ("steps", json!("none")),
        ("steps", json!([1])),
        ("payloads", json!("{}")),
        ("payloads", json!([{}])),
        ("custom_data", json!({"concurrent": true})),
        ("wait_result", json!("yes")),
        ("timeout_to_fail", json!("3")),
        ("timeout_to_fail", json!(1.5)),
        ("retry_limit", json!(true)),
        ("branch_headers", json!(["a"])),
        ("branch_headers", json!({"a": 1})),
        ("concurrent", json!("true")),
    ] {
        let answer = server.post("submit", &saga("g", &branches, 1).with(name, value.clone())).await;
        assert_refused(&answer, 500, name, &format!("{name}: {value}"));
    }
    assert_unharmed(&server, &branches).await;
}

#[tokio::test]
async fn a_gid_that_cannot_be_used_is_refused_everywhere() {
    let (server, branches) = both().await;
    let long = "x".repeat(256);
    for (gid, words) in [
        (json!(""), "gid is empty"),
        (json!(null), "gid is empty"),
        (json!("\n\r;"), "gid is empty"),
        (json!(long), "256 bytes"),
        (json!("a\u{0}b"), "control character"),
        (json!("a\tb"), "control character"),
    ] {
        for verb in ["prepare", "submit", "abort"] {
            let body = json!({"gid": gid, "trans_type": "tcc"});
            assert_refused(&server.post(verb, &body).await, 400, words, &format!("{verb} {gid}"));
        }
        for verb in ["forceStop", "resetNextCronTime"] {
            assert_refused(
                &server.post(verb, &json!({"gid": gid})).await,
                400,
                words,
                &format!("{verb} {gid}"),
            );
        }
        let register = json!({"gid": gid, "trans_type": "tcc", "branch_id": "01"});
        assert_refused(
            &server.post("registerBranch", &register).await,
            400,
            words,
            &format!("register {gid}"),
        );
    }
    let missing = server.post("submit", &json!({"trans_type": "saga"})).await;
    assert_refused(&missing, 400, "gid is empty", "no gid at all");
    assert_refused(&server.get(&format!("/api/dtmsvr/query?gid={long}")).await, 400, "256 bytes", "query");
    assert_unharmed(&server, &branches).await;
}

#[tokio::test]
async fn a_gid_of_255_bytes_of_anything_works() {
    let (server, branches) = both().await;
    for gid in ["x".repeat(255), "订".repeat(85), "/".repeat(255), "%".repeat(255)] {
        server.submit(&saga(&gid, &branches, 1)).await;
        assert_eq!(server.end_of(&gid).await.status(), "succeed");
        assert_eq!(branches.calls().last().unwrap().gid(), gid);
    }
}

#[tokio::test]
async fn what_a_transaction_is_made_of_is_checked_before_anything_is_stored() {
    // decision 14, defect M6
    let (server, branches) = both().await;
    let body = || saga("g", &branches, 2);
    let orders = |text: &str| body().with("custom_data", text);
    let step = |url: &str| body().with("steps", json!([{"action": url, "compensate": ""}, {}]));
    let table: Vec<(&str, Value, &str)> = vec![
        ("no type", json!({"gid": "g"}), "trans_type"),
        ("unknown type", json!({"gid": "g", "trans_type": "seata"}), "unknown trans_type 'seata'"),
        ("fewer payloads", body().with("payloads", json!(["{}"])), "payloads has 1 entries, but steps has 2"),
        ("no payloads", body().with("payloads", json!([])), "payloads has 0 entries, but steps has 2"),
        ("more payloads", body().with("payloads", json!(["", "", ""])), "payloads has 3 entries"),
        ("cycle", orders(r#"{"concurrent":true,"orders":{"0":[1],"1":[0]}}"#), "cycle"),
        ("itself", orders(r#"{"concurrent":true,"orders":{"1":[1]}}"#), "cycle"),
        ("unknown step", orders(r#"{"concurrent":true,"orders":{"7":[0]}}"#), "step 7"),
        ("unknown predecessor", orders(r#"{"concurrent":true,"orders":{"1":[2]}}"#), "step 2"),
        ("huge index", orders(r#"{"concurrent":true,"orders":{"1":[99999999999]}}"#), "99999999999"),
        ("order of no number", orders(r#"{"concurrent":true,"orders":{"x":[0]}}"#), "orders"),
        ("negative order", orders(r#"{"concurrent":true,"orders":{"1":[-1]}}"#), "orders"),
        ("custom_data no JSON", orders("{concurrent"), "custom_data"),
        ("unknown protocol", body().with("protocol", "carrier pigeon"), "protocol"),
        ("negative time-out", body().with("timeout_to_fail", -1), "timeout_to_fail"),
        ("negative interval", body().with("retry_interval", -5), "retry_interval"),
        ("negative limit", body().with("retry_limit", -2), "retry_limit"),
        ("huge time-out", body().with("request_timeout", i64::MAX), "request_timeout"),
        ("header name", body().with("branch_headers", json!({"a b": "c"})), "branch_headers"),
        ("header value", body().with("branch_headers", json!({"a": "b\r\nc: d"})), "branch_headers"),
        ("no scheme", step("127.0.0.1:80/a"), "http://"),
        ("gRPC", step("127.0.0.1:36790/busi.Busi/TransIn"), "gRPC"),
        ("other scheme", step("ftp://host/a"), "http://"),
        ("topic", step("topic://news"), "http://"),
        ("no host", step("http://"), "host"),
        ("bad port", step("http://host:99999/"), "port"),
        ("bad host", step("http://a b/"), "URL"),
        ("control character", step("http://host/\u{1}"), "control"),
        ("long URL", step(&format!("http://host/{}", "x".repeat(9_000))), "8192"),
        ("long custom_data", orders(&format!("{{\"x\":\"{}\"}}", "x".repeat(2 << 20))), "MaxCustomDataBytes"),
        (
            "large headers",
            body().with("branch_headers", json!({"a": "x".repeat(20_000)})),
            "MaxBranchHeaderBytes",
        ),
        ("back-check", message("g", &branches, 1).with("query_prepared", "nonsense"), "http://"),
    ];
    for (what, body, words) in table {
        assert_refused(&server.post("submit", &body).await, 400, words, what);
    }
    for mode in ["tcc", "xa"] {
        let never_prepared = json!({"gid": "g", "trans_type": mode, "req_extra": {"status": "succeed"}});
        let answer = server.post("submit", &never_prepared).await;
        assert_refused(&answer, 400, "prepare", mode);
    }
    // behaviour 96
    let never_prepared = json!({"gid": "g", "trans_type": "workflow", "req_extra": {"status": "succeed"}});
    let answer = server.post("submit", &never_prepared).await;
    assert_eq!((answer.status, answer.message().as_str()), (500, "storage: NotFound"));
    assert_unharmed(&server, &branches).await;
}

#[tokio::test]
async fn a_workflow_that_does_not_say_how_it_ended_is_refused() {
    // defect M6
    let server = Server::start().await;
    let body = json!({
        "gid": "w", "trans_type": "workflow", "query_prepared": "http://127.0.0.1:1/callback",
        "custom_data": r#"{"name":"n","data":null}"#,
    });
    server.accepts("prepare", &body).await;
    for extra in [json!(null), json!({}), json!({"status": ""}), json!({"status": "prepared"})] {
        let answer = server.post("submit", &body.clone().with("req_extra", extra.clone())).await;
        assert_refused(&answer, 400, "req_extra.status", &extra.to_string());
    }
    assert_eq!(server.query("w").await.status(), "prepared");
}

#[tokio::test]
async fn a_branch_that_can_never_be_called_is_not_registered() {
    // decision 14
    let server = Server::start().await;
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc"})).await;
    let branch = json!({"gid": "t", "trans_type": "tcc", "branch_id": "01"});
    for (what, body, words) in [
        ("confirm", branch.clone().with("confirm", "nonsense"), "http://"),
        ("cancel", branch.clone().with("cancel", "http://host:x/"), "port"),
        ("no branch_id", branch.clone().with("branch_id", ""), "branch_id is empty"),
        ("long branch_id", branch.clone().with("branch_id", "1".repeat(1_000)), "branch_id"),
        ("bin_data", branch.clone().with("bin_data", "not base64!"), "bin_data"),
    ] {
        assert_refused(&server.post("registerBranch", &body).await, 400, words, what);
    }
    assert!(server.query("t").await.branches().is_empty());
    server.accepts("registerBranch", &branch).await;
}

#[tokio::test]
async fn ten_thousand_steps_are_accepted_and_one_more_is_refused() {
    let (server, branches) = both().await;
    let wide = |count: usize| {
        let step = json!({"action": branches.url("/a"), "compensate": ""});
        saga("wide", &branches, 0).with("steps", vec![step; count]).with("payloads", vec![""; count])
    };
    let refused = server.post("submit", &wide(10_001)).await;
    assert_refused(&refused, 400, "10001 branches are more than MaxBranches = 10000", "10,001 steps");
    assert!(!server.query("wide").await.exists());
    let concurrent = wide(10_000).with("custom_data", r#"{"concurrent":true}"#);
    assert_eq!(server.post("submit", &concurrent).await.parts(), (200, SUCCESS));
    server.accepts("forceStop", &json!({"gid": "wide"})).await;
    assert_eq!(server.query("wide").await.branches().len(), 20_000);
    server.submit(&saga("good", &branches, 1)).await;
    assert_eq!(server.end_of("good").await.status(), "succeed");
}
