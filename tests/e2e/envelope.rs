//! The envelope of every answer, and what a request may look like (behaviour A).

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{SUCCESS, Server, With, both, saga};

#[tokio::test]
async fn a_success_without_a_value_is_exactly_this_body_as_json() {
    // behaviour 1, 12
    let server = Server::start().await;
    let answer = server.post("prepare", &json!({"gid": "g", "trans_type": "tcc"})).await;
    assert_eq!(answer.parts(), (200, SUCCESS));
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn errors_are_told_apart_by_status_and_dtm_result() {
    // behaviour 2, 4, 20: the order of the keys is DTM's
    let server = Server::start().await;
    server.accepts("prepare", &json!({"gid": "g", "trans_type": "tcc"})).await;
    server.accepts("forceStop", &json!({"gid": "g"})).await;
    let refused = server.post("forceStop", &json!({"gid": "g"})).await;
    let body = r#"{"dtm_result":"FAILURE","message":"global transaction force stop error. status: failed. error: FAILURE"}"#;
    assert_eq!(refused.parts(), (409, body));
    assert_eq!(refused.header("content-type"), "application/json; charset=utf-8");

    for verb in ["abort", "forceStop", "resetNextCronTime"] {
        let unknown = server.post(verb, &json!({"gid": "nobody", "trans_type": "tcc"})).await;
        let body = r#"{"message":"no TransGlobal with gid: nobody found"}"#;
        assert_eq!(unknown.parts(), (500, body), "{verb}");
        assert_eq!(unknown.header("content-type"), "application/json; charset=utf-8");
    }
}

#[tokio::test]
async fn a_new_gid_is_a_flat_object_of_strings_and_never_the_same_twice() {
    // behaviour 10
    let server = Server::start().await;
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let answer = server.get("/api/dtmsvr/newGid").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        let gid = answer.json()["gid"].as_str().unwrap().to_owned();
        assert_eq!(answer.body, format!(r#"{{"dtm_result":"SUCCESS","gid":"{gid}"}}"#));
        assert!(!gid.is_empty() && seen.insert(gid), "{answer:?}");
    }
}

#[tokio::test]
async fn version_ping_and_metrics_answer() {
    // behaviour 11
    let server = Server::start().await;
    let version = server.get("/api/dtmsvr/version").await;
    assert_eq!(version.status, 200);
    assert!(version.json()["version"].as_str().unwrap().starts_with('v'), "{version:?}");
    for method in [Method::GET, Method::POST, Method::PUT] {
        let ping = server.send(method, "/api/ping", None, "").await.unwrap();
        assert_eq!(ping.parts(), (200, r#"{"msg":"pong"}"#));
        assert_eq!(ping.header("content-type"), "application/json; charset=utf-8");
    }
    let metrics = server.get("/api/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").starts_with("text/plain"), "{}", metrics.header("content-type"));
    assert!(metrics.body.contains("# TYPE "), "{}", metrics.body);
}

#[tokio::test]
async fn an_unknown_path_is_404_in_plain_text_whatever_the_method() {
    // behaviour 7
    let server = Server::start().await;
    let paths = [
        "/",
        "/index.html",
        "/api",
        "/api/",
        "/api/dtmsvr",
        "/api/dtmsvr/",
        "/api/dtmsvr/nothing",
        "/api/dtmsvr/submit/",
        "/api/dtmsvr//submit",
        "/api/busi/submit",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = server.send(method.clone(), path, None, "{}").await.unwrap();
            assert_eq!(answer.parts(), (404, "404 page not found"), "{method} {path}");
            assert!(answer.header("content-type").starts_with("text/plain"), "{method} {path}");
        }
    }
    for (method, verb) in [(Method::GET, "submit"), (Method::POST, "newGid"), (Method::GET, "registerBranch")]
    {
        let answer = server.send(method, &format!("/api/dtmsvr/{verb}"), None, "").await.unwrap();
        assert_eq!(answer.status, 404, "{verb}");
    }
}

#[tokio::test]
async fn a_body_is_read_whatever_its_content_type_says() {
    // behaviour 5
    let server = Server::start().await;
    let types = [
        None,
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("nonsense"),
        Some(""),
    ];
    for (number, content_type) in types.into_iter().enumerate() {
        let body = json!({"gid": format!("g{number}"), "trans_type": "tcc"}).to_string();
        let answer = server.send(Method::POST, "/api/dtmsvr/prepare", content_type, body).await.unwrap();
        assert_eq!(answer.parts(), (200, SUCCESS), "{content_type:?}");
        assert_eq!(server.query(&format!("g{number}")).await.status(), "prepared");
    }
}

#[tokio::test]
async fn null_counts_as_absent_in_every_known_field() {
    // behaviour 6: Python and C# send null
    let (server, branches) = both().await;
    let fields = [
        "query_prepared",
        "protocol",
        "custom_data",
        "wait_result",
        "timeout_to_fail",
        "request_timeout",
        "retry_interval",
        "retry_limit",
        "retry_count",
        "branch_headers",
        "passthrough_headers",
        "concurrent",
        "rollback_reason",
        "req_extra",
    ];
    let body = fields.iter().fold(saga("g", &branches, 1), |body, field| body.with(field, Value::Null));
    server.submit(&body).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");

    let nothing = json!({"gid": "t", "trans_type": "tcc", "steps": null, "payloads": null});
    server.accepts("prepare", &nothing).await;
    let register = json!({
        "gid": "t", "trans_type": "tcc", "branch_id": "01", "data": null, "confirm": null, "cancel": null,
        "status": null,
    });
    server.accepts("registerBranch", &register).await;
    server.accepts("submit", &nothing).await;
    assert_eq!(server.end_of("t").await.rows(), "p s");
}

#[tokio::test]
async fn unknown_keys_are_ignored_the_last_of_equal_keys_counts_and_case_does_not_matter() {
    // behaviour 6, sdk-wire 5: Java sends subType twice
    let server = Server::start().await;
    let body = r#"{"subType":"tcc","GID":"first","Trans_Type":"saga","gid":"g","TRANS_TYPE":"tcc","subType":null,
        "unknown":{"deep":[1,{"er":null}]},"gid":"second"}"#;
    assert_eq!(server.post_text("prepare", body).await.parts(), (200, SUCCESS));
    let view = server.query("second").await;
    assert_eq!((view.status(), view.field("trans_type")), ("prepared", "tcc"));
    for gid in ["first", "g"] {
        assert!(!server.query(gid).await.exists(), "{gid}");
    }
}

#[tokio::test]
async fn a_gid_loses_line_ends_and_semicolons_and_keeps_everything_else() {
    // behaviour 9
    let (server, branches) = both().await;
    for (number, (sent, stored)) in [
        ("a\nb\r;c", "abc"),
        ("order 47", "order 47"),
        ("a/b?c=d&e#f%20", "a/b?c=d&e#f%20"),
        (r#"it's "quoted""#, r#"it's "quoted""#),
        ("订单-1 ünï", "订单-1 ünï"),
        ("' or 1=1 --", "' or 1=1 --"),
        ("../../etc", "../../etc"),
    ]
    .into_iter()
    .enumerate()
    {
        server.submit(&saga(sent, &branches, 1)).await;
        let view = server.end_of(stored).await;
        assert_eq!((view.status(), view.field("gid")), ("succeed", stored));
        assert_eq!(branches.calls()[number].gid(), stored, "the branch gets the same gid");
    }
    server.accepts("prepare", &json!({"gid": "t;1", "trans_type": "tcc"})).await;
    let register = json!({"gid": "t\n1", "trans_type": "tcc", "branch_id": "01"});
    server.accepts("registerBranch", &register).await;
    server.accepts("resetNextCronTime", &json!({"gid": "t\r1;"})).await;
    assert_eq!(server.query("t1").await.rows(), "p p");
    server.accepts("abort", &json!({"gid": ";t1", "trans_type": "tcc"})).await;
    assert_eq!(server.end_of("t1").await.status(), "failed");
}

#[tokio::test]
async fn a_gid_that_begins_with_another_one_is_another_transaction() {
    // defect B20, M9
    let (server, branches) = both().await;
    let gids = ["order-47", "order-470", "order-4", "order-47 0", "order-47-0", "order"];
    for gid in gids {
        server.submit(&saga(gid, &branches, 2)).await;
    }
    for gid in gids {
        let view = server.end_of(gid).await;
        assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s"), "{gid}");
        assert_eq!(branches.calls().iter().filter(|call| call.gid() == gid).count(), 2, "{gid}");
    }
}

#[tokio::test]
async fn a_text_with_characters_that_go_escapes_reads_back_as_it_was() {
    // behaviour 8: whether they are escaped is nobody's business
    let server = Server::start().await;
    let reason = "<b>\"no\" & 'why'</b> \u{2028} \\ 订单";
    let tcc = json!({"gid": "t<&>", "trans_type": "tcc", "rollback_reason": reason});
    server.accepts("prepare", &tcc).await;
    server.accepts("abort", &tcc).await;
    let view = server.end_of("t<&>").await;
    assert_eq!((view.field("gid"), view.reason()), ("t<&>", reason));
    let refused = server.post("submit", &json!({"gid": "x", "trans_type": "<&>"})).await;
    assert!(refused.message().contains("<&>"), "{refused:?}");
}
