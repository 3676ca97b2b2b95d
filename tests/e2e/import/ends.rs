//! After the import every transaction ends as DTM would have ended it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::command::{Imported, import};
use super::expected::{ALL, FIGURES, FINISHED};
use super::source::{Kind, Source};
use crate::harness::{Branches, Call, GrpcBranches, Place, Reply, Server, Settings};

#[tokio::test]
async fn what_dtm_left_in_mysql_ends_as_dtm_would_have_ended_it() {
    ends(Kind::Mysql).await;
}

#[tokio::test]
async fn what_dtm_left_in_postgres_ends_as_dtm_would_have_ended_it() {
    ends(Kind::Postgres).await;
}

#[tokio::test]
async fn what_dtm_left_in_redis_ends_as_dtm_would_have_ended_it() {
    ends(Kind::Redis).await;
}

/// Decision 11, features 4.
async fn ends(kind: Kind) {
    // Given what a real DTM has left. Only branches that refused then refuse now.
    let http = Branches::deciding(|call: &Call| {
        if call.path.starts_with("/fail/") {
            Reply::of(409, r#"{"dtm_result":"FAILURE"}"#)
        } else {
            Reply::ok()
        }
    })
    .await;
    let grpc = GrpcBranches::start().await;
    let Some(source) = Source::filled(kind, &http, &grpc).await else { return };
    let place = Arc::new(Place::new());

    // When it is imported, then the figures are right, and a dry run and a second run change nothing.
    check_figures(&import(&source, &place, &["--dry-run"]).await, 0);
    check_figures(&import(&source, &place, &[]).await, 0);
    check_figures(&import(&source, &place, &[]).await, 1);
    assert_eq!(http.paths(), [""; 0], "an import calls nobody");

    // Then the server ends all of it.
    let server = Settings::default().start_at(&place).await;
    decide(&server, &http).await;
    for expected in ALL {
        let end = server.end_of(expected.gid).await;
        assert_eq!(end.status(), expected.status, "{}: {end:?}", expected.gid);
        let mut calls = http_calls(&http, expected.gid);
        calls.extend(grpc_calls(&grpc, expected.gid));
        if expected.gid == "msg-concurrent" {
            calls.sort();
        }
        if expected.gid.starts_with("workflow") {
            calls.dedup(); // it is called back until it has ended
        }
        let wanted = if matches!(kind, Kind::Redis) { expected.calls } else { expected.calls_from_sql };
        assert_eq!(calls.join(" "), wanted, "{}", expected.gid);
    }
    for gid in FINISHED {
        assert!(!server.query(gid).await.exists(), "{gid} was finished");
    }
    let known: BTreeSet<&str> = ALL.iter().map(|expected| expected.gid).collect();
    for call in http.calls() {
        assert!(known.contains(&*gid_of(&call)), "nobody asked for {} of {}", call.path, gid_of(&call));
    }
    check_details(&server, &http, &grpc).await;
    check_topics(&server).await;
}

fn check_figures(imported: &Imported, column: usize) {
    assert_eq!(imported.code, Some(0), "{imported:?}");
    for (line, unfinished, finished) in FIGURES {
        let mut figures = [0, 0, 0, *finished];
        figures[column] = *unfinished;
        assert_eq!(imported.line(line), figures, "{line} in {imported:?}");
    }
}

/// What the clients do whose transactions wait for them.
async fn decide(server: &Server, http: &Branches) {
    let url = |gid: &str, name: &str| http.url(&format!("/ok/{gid}/{name}"));
    let payload = |step: usize| format!(r#"{{"step":{step},"amount":30}}"#);
    server.submit(&json!({ "gid": "tcc-prepared", "trans_type": "tcc" })).await;
    let aborted = server.post("abort", &json!({ "gid": "xa-prepared", "trans_type": "xa" })).await;
    assert_eq!(aborted.status, 200, "{aborted:?}");
    let message = |gid: &str, actions: &[String]| {
        json!({
            "gid": gid,
            "trans_type": "msg",
            "steps": actions.iter().map(|action| json!({ "action": action })).collect::<Vec<_>>(),
            "payloads": (1..=actions.len()).map(payload).collect::<Vec<_>>(),
            "query_prepared": url(gid, "query"),
        })
    };
    server.submit(&message("msg-prepared", &[url("msg-prepared", "a1"), url("msg-prepared", "a2")])).await;
    // DTM has forgotten that these were topics; the client still sends their names.
    let topics = ["topic://orders".to_owned(), url("msg-topics-prepared", "a2"), "topic://mail".to_owned()];
    server.submit(&message("msg-topics-prepared", &topics)).await;
    let prepare = |gid: &str| json!({ "gid": gid, "trans_type": "workflow" });
    let end = |gid: &str, status: &str| json!({ "gid": gid, "trans_type": "workflow", "req_extra": { "status": status } });
    http.wait_until("the call-backs", |http| {
        ["workflow-half", "workflow-untouched"].iter().all(|gid| !http_calls(http, gid).is_empty())
    })
    .await;
    let half = server.post("prepareWorkflow", &prepare("workflow-half")).await;
    let half: Value = serde_json::from_str(&half.body).unwrap();
    let steps = half["progresses"].as_array().unwrap().iter();
    let steps: Vec<_> = steps
        .map(|step| {
            ["branch_id", "op", "status", "bin_data"].map(|name| step[name].as_str().unwrap_or("").to_owned())
        })
        .collect();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        steps,
        [
            [text("01"), text("action"), text("succeed"), text("eyJiYWxhbmNlIjo3MH0=")],
            [text("02"), text("action"), text("failed"), text("c29sZCBvdXQ=")],
            [text("01"), text("rollback"), text("succeed"), text("")],
        ]
    );
    server.submit(&end("workflow-half", "succeed")).await;
    server.submit(&end("workflow-untouched", "failed")).await;
    server.submit(&end("workflow-grpc", "succeed")).await;
}

async fn check_details(server: &Server, http: &Branches, grpc: &GrpcBranches) {
    let call = |path: &str| http.calls_of(path).into_iter().next().unwrap_or_else(|| panic!("{path}"));
    assert_eq!(call("/error/saga-at-action-2/a2").text(), r#"{"step":2,"amount":30}"#);
    let with_headers = call("/error/saga-options/a2");
    assert_eq!(
        (with_headers.header("authorization"), with_headers.header("x-tenant")),
        ("Bearer t-1", "north")
    );
    assert_eq!(call("/error/saga-old-body/a1").text(), r#"{"old":true}"#);
    assert_eq!(call("/ok/tcc-prepared/confirm0201").text(), r#"{"名":"嵌套"}"#);
    assert_eq!(call("/ok/tcc-prepared/confirm0201").header("x-tenant"), "south");
    assert_eq!(call("/error/workflow-half/callback").text(), r#"{"名":"转账"}"#);
    assert_eq!(call("/error/workflow-untouched/callback").header("x-tenant"), "east");
    assert_eq!(call("/error/saga-json-rpc/a1").parameter("method"), "deduct");
    let unicode = http.calls().into_iter().find(|call| call.gid().starts_with("订单")).unwrap();
    assert_eq!(unicode.text(), r#"{"名":"订单 ☃","quote":"'\"\\"}"#);
    for (path, op) in [
        ("/error/xa-committing/x02", "commit"),
        ("/error/xa-rolling-back/x01", "rollback"),
        ("/ok/xa-abandoned/x01", "rollback"),
    ] {
        let call = call(path);
        assert_eq!((call.op(), call.method.as_str()), (op.to_owned(), "POST"), "{path}");
        assert!(call.body.is_empty(), "{path}");
    }
    let every_byte: Vec<u8> = (0..=255).collect();
    for (method, gid) in [("A1", "saga-grpc"), ("Confirm", "tcc-grpc"), ("M1", "msg-grpc")] {
        let call = grpc.calls_of(method).into_iter().next().unwrap();
        assert_eq!((call.header("dtm-gid"), &*call.message), (gid, &*every_byte));
    }
    assert_eq!(grpc.calls_of("A1")[0].header("x-tenant"), "west");
    let reason = async |gid: &str| server.query(gid).await.reason().to_owned();
    assert_eq!(reason("tcc-cancelling").await, "the customer said no");
    assert_eq!(reason("saga-retry-limit").await, "RetryCount is greater than RetryLimit, RetryLimit: 2");
    assert_eq!(reason("saga-timed-out").await, "Timeout after 5 seconds");
    assert_eq!(reason("tcc-abandoned").await, "Timeout after 35 seconds");
    assert!(reason("saga-compensating").await.contains("not enough stock"));
}

/// Topics are known, and messages to them arrive.
async fn check_topics(server: &Server) {
    let answer = server.get("/api/dtmsvr/scanKV?cat=topics").await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    let topic = |name: &str| {
        let entries = answer["kv"].as_array().unwrap();
        let entry =
            entries.iter().find(|entry| entry["k"] == name).unwrap_or_else(|| panic!("{name}: {answer}"));
        serde_json::from_str::<Value>(entry["v"].as_str().unwrap()).unwrap()
    };
    assert_eq!(topic("orders").as_array().unwrap().len(), 2);
    assert_eq!(topic("orders")[0]["remark"], "库存 stock");
    assert_eq!(topic("nobody"), json!([]));
    let body = json!({
        "gid": "to-a-topic",
        "trans_type": "msg",
        "steps": [{ "action": "topic://通知" }],
        "payloads": ["{}"],
        "wait_result": true,
    });
    server.submit(&body).await;
    assert_eq!(server.end_of("to-a-topic").await.status(), "succeed");
}

fn gid_of(call: &Call) -> String {
    let gid = call.gid();
    if gid.is_empty() { call.path.split('/').nth(2).unwrap_or_default().to_owned() } else { gid }
}

fn http_calls(http: &Branches, gid: &str) -> Vec<String> {
    let calls = http.calls().into_iter().filter(|call| gid_of(call) == gid);
    calls.filter_map(|call| call.path.rsplit('/').next().map(str::to_owned)).collect()
}

fn grpc_calls(grpc: &GrpcBranches, gid: &str) -> Vec<String> {
    let calls = grpc.calls().into_iter().filter(|call| call.header("dtm-gid") == gid);
    calls.map(|call| format!("grpc:{}", call.method)).collect()
}
