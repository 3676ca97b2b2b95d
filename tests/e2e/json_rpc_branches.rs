//! Branches over JSON-RPC (behaviour 40, 41, decision 4).

use serde_json::{Value, json};

use crate::harness::{Branches, Reply, With, both, message};

/// A saga of two steps over JSON-RPC.
fn json_rpc_saga(gid: &str, branches: &Branches) -> Value {
    let step = |number: usize| {
        json!({
            "action": branches.url(&format!("/a{number}?method=A{number}")),
            "compensate": branches.url(&format!("/c{number}?method=C{number}")),
        })
    };
    json!({
        "gid": gid, "trans_type": "saga", "protocol": "json-rpc", "retry_interval": 1,
        "steps": [step(1), step(2)], "payloads": ["{\"n\":1}", "null"],
    })
}

fn error(code: i64) -> Reply {
    let error = json!({"jsonrpc": "2.0", "id": "1", "error": {"code": code, "message": "no stock"}});
    Reply::of(200, error.to_string())
}

fn body_of(branches: &Branches, path: &str, number: usize) -> Value {
    serde_json::from_slice(&branches.calls_of(path)[number].body).unwrap()
}

#[tokio::test]
async fn a_call_is_a_post_of_a_request_to_the_whole_url() {
    // behaviour 40
    let (server, branches) = both().await;
    server.submit(&json_rpc_saga("order 1/ü", &branches)).await;
    let view = server.end_of("order 1/ü").await;
    assert_eq!((view.status(), view.field("protocol")), ("succeed", "json-rpc"));
    assert_eq!(branches.paths(), ["/a1", "/a2"]);
    let call = &branches.calls()[0];
    assert_eq!((call.method.as_str(), call.query.as_str()), ("POST", "method=A1"));
    assert_eq!(call.header("content-type"), "application/json");
    let coordinates = |branch_id: &str| json!({"gid": "order 1/ü", "trans_type": "saga", "branch_id": branch_id, "op": "action"});
    let first = body_of(&branches, "/a1", 0);
    assert_eq!(first["params"], coordinates("01").with("n", 1));
    assert_eq!((&first["jsonrpc"], &first["method"]), (&json!("2.0"), &json!("A1")));
    assert!(!first["id"].as_str().unwrap().is_empty());
    assert_eq!(body_of(&branches, "/a2", 0)["params"], coordinates("02"), "null is no fields");
}

#[tokio::test]
async fn the_code_of_a_failure_rolls_back() {
    // behaviour 41, 58, decision 4, defect B8
    let (server, branches) = both().await;
    branches.on("/a2", [error(-32_902), error(-32_603), error(-32_901)]);
    server.submit(&json_rpc_saga("g", &branches)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s f"));
    let url = branches.url("/a2?method=A2");
    assert_eq!(view.reason(), format!("url:{url} return failed: no stock FAILURE"));
    assert_eq!(branches.paths(), ["/a1", "/a2", "/a2", "/a2", "/c2", "/c1"]);
    assert_eq!(body_of(&branches, "/c1", 0)["params"]["op"], "compensate");
}

#[tokio::test]
async fn a_payload_that_is_no_object_is_refused_and_the_server_lives() {
    // defect B2
    let (server, branches) = both().await;
    for payload in ["[]", "[{}]", "7", "\"x\"", "not JSON"] {
        let body = json_rpc_saga("g", &branches).with("payloads", json!(["{}", payload]));
        let answer = server.post("submit", &body).await;
        assert_eq!(answer.status, 400, "{payload}: {answer:?}");
        assert!(answer.message().starts_with("payloads[1]: "), "{answer:?}");
    }
    assert!(!server.query("g").await.exists());
    let concurrent = message("m", &branches, 1)
        .with("protocol", "json-rpc")
        .with("concurrent", true)
        .with("steps", json!([{"action": branches.url("/m?method=M")}]))
        .with("payloads", json!(["null"]));
    server.submit(&concurrent).await;
    assert_eq!(server.end_of("m").await.status(), "succeed");
    assert_eq!(body_of(&branches, "/m", 0)["params"]["gid"], "m");
}

#[tokio::test]
async fn a_url_without_method_is_called_by_plain_http() {
    // behaviour 40
    let (server, branches) = both().await;
    let steps = json!([{"action": branches.url("/plain"), "compensate": ""}]);
    let body = json_rpc_saga("g", &branches).with("steps", steps).with("payloads", json!(["[]"]));
    server.submit(&body).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.calls()[0].query, "branch_id=01&gid=g&op=action&trans_type=saga");
    assert_eq!(branches.calls()[0].text(), "[]");
}
