//! The JSON-RPC API (behaviour 36 to 39): the same verbs as over HTTP, in another envelope.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Reply, Server, Settings, With, both, message, saga};

async fn send(server: &Server, body: impl Into<bytes::Bytes>) -> Answer {
    // any content type will do (behaviour 5)
    server.send(Method::POST, "/api/json-rpc", Some("text/plain"), body).await.expect("the server answers")
}

/// The whole answer to a call, which has to be a 200 with JSON.
async fn call(server: &Server, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": "an id", "method": method, "params": params});
    let answer = send(server, body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    answer.json()
}

fn done() -> Value {
    json!({"error": null, "id": "an id", "jsonrpc": "2.0", "result": null})
}

/// Code and message of an error.
fn error(answer: &Value) -> (i64, &str) {
    assert_eq!((&answer["jsonrpc"], &answer["result"]), (&json!("2.0"), &Value::Null), "{answer}");
    (answer["error"]["code"].as_i64().expect("a code"), answer["error"]["message"].as_str().expect("a text"))
}

#[tokio::test]
async fn every_verb_does_what_it_does_over_http() {
    // behaviour 36, 37
    let (server, branches) = both().await;
    let new = call(&server, "newGid", &Value::Null).await;
    let gid = new["result"]["gid"].as_str().expect("a gid").to_owned();
    assert_eq!(new, json!({"error": null, "id": "an id", "jsonrpc": "2.0", "result": {"gid": gid}}));

    assert_eq!(call(&server, "submit", &saga(&gid, &branches, 2)).await, done());
    let view = server.end_of(&gid).await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s"));

    let msg = message("m", &branches, 1);
    assert_eq!(call(&server, "prepare", &msg).await, done());
    assert_eq!(server.query("m").await.status(), "prepared");
    assert_eq!(call(&server, "submit", &msg).await, done());
    assert_eq!(server.end_of("m").await.status(), "succeed");

    for (gid, verb, end) in [("t1", "submit", "p s"), ("t2", "abort", "s p")] {
        let tcc = json!({"gid": gid, "trans_type": "tcc"});
        assert_eq!(call(&server, "prepare", &tcc).await, done());
        let branch = json!({
            "gid": gid, "trans_type": "tcc", "branch_id": "01", "data": "{}", "status": null,
            "confirm": branches.url("/confirm"), "cancel": branches.url("/cancel"),
        });
        assert_eq!(call(&server, "registerBranch", &branch).await, done());
        assert_eq!(call(&server, verb, &tcc).await, done());
        assert_eq!(server.end_of(gid).await.rows(), end);
    }
}

#[tokio::test]
async fn the_answer_is_written_as_dtm_writes_it() {
    // behaviour 37
    let server = Server::start().await;
    let body =
        r#"{"params":{"gid":"t","trans_type":"tcc"},"method":"prepare","id":"a \"b\"","jsonrpc":"2.0"}"#;
    let answer = send(&server, body).await;
    assert_eq!(answer.parts(), (200, r#"{"error":null,"id":"a \"b\"","jsonrpc":"2.0","result":null}"#));
}

#[tokio::test]
async fn what_is_no_call_is_a_parse_error_with_status_400() {
    // behaviour 36, 38: ids are strings, and a batch is no call
    let server = Server::start().await;
    let with_id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"newGid"}}"#);
    let batch = format!("[{}]", with_id("\"1\""));
    for body in [
        "",
        "null",
        "17",
        "\"text\"",
        "{",
        "{\"jsonrpc\":\"2.0\"}x",
        "[]",
        batch.as_str(),
        "not json",
        &with_id("1"),
        &with_id("1.5"),
        &with_id("true"),
        &with_id("{}"),
        &with_id("[\"1\"]"),
        r#"{"jsonrpc":2.0,"id":"1","method":"newGid"}"#,
        r#"{"jsonrpc":"2.0","id":"1","method":["newGid"]}"#,
    ] {
        let answer = send(&server, body.to_owned()).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        let json = answer.json();
        let (code, text) = error(&json);
        assert_eq!((code, &json["id"]), (-32700, &json!("")), "{body}: {answer:?}");
        assert!(text.starts_with("Parse json error: "), "{body}: {answer:?}");
    }
    let answer = send(&server, batch.clone()).await;
    assert!(error(&answer.json()).1.contains("batches are not supported"), "{answer:?}");
    assert_eq!(send(&server, b"{\"id\":\"\xff\"}".to_vec()).await.status, 400);
}

#[tokio::test]
async fn a_call_of_another_version_or_without_an_id_is_no_request() {
    // behaviour 39
    let server = Server::start().await;
    for (body, id) in [
        (json!({"id": "1", "method": "newGid"}), "1"),
        (json!({"jsonrpc": "1.0", "id": "1", "method": "newGid"}), "1"),
        (json!({"jsonrpc": null, "id": "1", "method": "newGid"}), "1"),
        (json!({"jsonrpc": "2.0", "method": "newGid"}), ""),
        (json!({"jsonrpc": "2.0", "id": null, "method": "newGid"}), ""),
        (json!({"jsonrpc": "2.0", "id": "", "method": "newGid"}), ""),
        (json!({}), ""),
    ] {
        let answer = send(&server, body.to_string()).await;
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
        let json = answer.json();
        let (code, text) = error(&json);
        assert_eq!((code, &json["id"]), (-32600, &json!(id)), "{body}: {answer:?}");
        let quoted = text.strip_prefix("Bad json request: ").expect("DTM's words");
        assert!(serde_json::from_str::<Value>(quoted).is_ok_and(|quoted| quoted.is_object()), "{text}");
    }
}

#[tokio::test]
async fn a_method_that_there_is_not_is_named() {
    // behaviour 39
    let server = Server::start().await;
    for method in ["Submit", "prepareWorkflow", "query", "subscribe", ""] {
        let answer = call(&server, method, &json!({"gid": "g"})).await;
        assert_eq!(error(&answer), (-32601, format!("Method not found: {method}").as_str()));
        assert_eq!(answer["id"], "an id");
    }
    let long = call(&server, &"x".repeat(100_000), &Value::Null).await;
    assert!(error(&long).1.len() < 200, "what is repeated is bounded");
}

#[tokio::test]
async fn a_refusal_for_good_has_the_code_of_failure() {
    // behaviour 39, decisions 1, 15 and 16
    let (server, branches) = both().await;
    assert_eq!(call(&server, "submit", &saga("s", &branches, 1)).await, done());
    server.end_of("s").await;
    let late = call(&server, "submit", &saga("s", &branches, 1)).await;
    assert_eq!(error(&late), (-32901, "current status 'succeed', cannot sumbmit. FAILURE"));
    let abort = call(&server, "abort", &json!({"gid": "s", "trans_type": "saga"})).await;
    assert_eq!(error(&abort), (-32901, "trans type: 'saga' current status 'succeed', cannot abort. FAILURE"));
    let other = call(&server, "submit", &message("s", &branches, 1)).await;
    let (code, text) = error(&other);
    assert_eq!((code, text.contains("trans_type")), (-32901, true), "{other}");
    let branch = json!({"gid": "s", "trans_type": "tcc", "branch_id": "01", "confirm": "", "cancel": ""});
    let nobody = call(&server, "registerBranch", &branch).await;
    assert_eq!(error(&nobody), (-32901, "no trans with gid: s status: prepared found FAILURE"));
}

#[tokio::test]
async fn who_waits_for_the_result_is_told_where_it_stands() {
    // behaviour 39, 68, decision 5: there is no code for "not ended yet"
    let (server, branches) = both().await;
    let waiting = |gid: &str| saga(gid, &branches, 1).with("wait_result", true).with("retry_interval", 100);
    assert_eq!(call(&server, "submit", &waiting("good")).await, done());
    branches.on("/a1", [Reply::failure()]);
    let undone = call(&server, "submit", &waiting("undone")).await;
    let (code, text) = error(&undone);
    assert_eq!((code, text.ends_with("FAILURE")), (-32901, true), "{undone}");
    assert_eq!(undone["error"]["data"], json!({"status": "failed"}));

    let tcc = json!({"gid": "t", "trans_type": "tcc", "wait_result": true, "retry_interval": 100});
    assert_eq!(call(&server, "prepare", &tcc).await, done());
    let branch = json!({
        "gid": "t", "trans_type": "tcc", "branch_id": "01", "confirm": branches.url("/confirm"), "cancel": "",
    });
    assert_eq!(call(&server, "registerBranch", &branch).await, done());
    branches.on("/confirm", [Reply::ongoing()]);
    let ongoing = call(&server, "submit", &tcc).await;
    assert_eq!(error(&ongoing), (-32603, "ONGOING"));
    assert_eq!(ongoing["error"]["data"], json!({"status": "submitted"}));
}

#[tokio::test]
async fn whatever_else_is_wrong_is_an_internal_error_and_nothing_is_stored() {
    // behaviour 39, decision 14
    let (server, branches) = both().await;
    let good = || saga("g", &branches, 2);
    for (method, params, words) in [
        ("submit", Value::Null, "params"),
        ("submit", json!([]), "params must be"),
        ("submit", json!("text"), "params must be"),
        ("submit", json!({"trans_type": "saga"}), "gid is empty"),
        ("submit", good().with("trans_type", "sagas"), "trans_type"),
        ("submit", good().with("payloads", json!(["{}"])), "payloads"),
        ("submit", good().with("retry_limit", "3"), "params.retry_limit"),
        ("submit", good().with("gid", 1), "params.gid"),
        (
            "prepare",
            message("g", &branches, 1).with("steps", json!([{"action": "topic://t"}])),
            "topic not found",
        ),
        ("abort", json!({"gid": "g", "trans_type": "tcc"}), "no TransGlobal with gid: g found"),
        ("registerBranch", json!({"gid": "g", "trans_type": "saga"}), "unknow trans type: saga"),
        ("registerBranch", json!({"gid": "g", "trans_type": "tcc", "data": 1}), "params.data"),
    ] {
        let answer = call(&server, method, &params).await;
        let (code, text) = error(&answer);
        assert_eq!(code, -32603, "{method} {params}: {answer}");
        assert!(text.contains(words), "{method} {params}: {text}");
        assert!(!server.query("g").await.exists(), "{method} {params}");
    }
    assert!(branches.calls().is_empty());
}

#[tokio::test]
async fn a_gid_is_taken_as_it_is() {
    // behaviour 9: only the HTTP API strips
    let (server, branches) = both().await;
    assert_eq!(call(&server, "submit", &saga("a;b", &branches, 1)).await, done());
    assert!(server.query("a;b").await.exists() && !server.query("ab").await.exists());
    let broken = call(&server, "submit", &saga("a\nb", &branches, 1)).await;
    assert_eq!(error(&broken).0, -32603, "{broken}");
}

#[tokio::test]
async fn headers_that_old_clients_pass_through_reach_the_branches() {
    let (server, branches) = both().await;
    let params = saga("g", &branches, 1).with("passthrough_headers", json!(["content-type"]));
    assert_eq!(call(&server, "submit", &params).await, done());
    server.end_of("g").await;
    assert_eq!(branches.calls()[0].header("content-type"), "text/plain");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_in_the_same_envelope() {
    let server = Settings::default().with("MAX_REQUEST_BYTES", 100_000).start().await;
    let body =
        json!({"jsonrpc": "2.0", "id": "1", "method": "submit", "params": {"gid": "x".repeat(200_000)}});
    let answer = send(&server, body.to_string()).await;
    let json = answer.json();
    let (code, text) = error(&json);
    assert_eq!((answer.status, code), (413, -32603), "{answer:?}");
    assert!(text.contains("MaxRequestBytes"), "{text}");
}

#[tokio::test]
async fn other_methods_of_http_are_unknown_paths_and_calls_are_counted_apart() {
    // behaviour 7, decision 23
    let server = Server::start().await;
    let get = server.get("/api/json-rpc").await;
    assert_eq!(get.parts(), (404, "404 page not found"));
    call(&server, "newGid", &Value::Null).await;
    call(&server, "no such method", &Value::Null).await;
    call(&server, "submit", &json!({})).await;
    let metrics = server.get("/api/metrics").await.body;
    let counted = |api: &str, status: &str| {
        let wanted =
            [format!("api=\"{api}\""), format!("status=\"{status}\""), "type=\"json-rpc\"".to_owned()];
        let is_it = |line: &&str| line.ends_with(" 1") && wanted.iter().all(|label| line.contains(label));
        metrics.lines().filter(is_it).count()
    };
    for (api, status) in [("newgid", "ok"), ("other", "fail"), ("submit", "fail")] {
        assert_eq!(counted(api, status), 1, "{api} {status}:\n{metrics}");
    }
}
