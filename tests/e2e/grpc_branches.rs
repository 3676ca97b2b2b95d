//! Branches over gRPC (behaviour 45 to 47, 58, 98), asked for over HTTP with `protocol: grpc`.

use http::Method;
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::{Branches, Gate, GrpcBranches, GrpcReply, Reply, Server, With, both, message, saga};

async fn all() -> (Server, GrpcBranches) {
    (Server::start().await, GrpcBranches::start().await)
}

/// A saga whose step `n` calls `A<n>` and is undone by `C<n>`.
fn grpc_saga(gid: &str, branches: &GrpcBranches, step_count: usize) -> Value {
    let steps: Vec<Value> = (1..=step_count)
        .map(|step| {
            json!({
                "action": branches.url(&format!("A{step}")),
                "compensate": branches.url(&format!("C{step}")),
            })
        })
        .collect();
    let payloads: Vec<String> = (1..=step_count).map(|step| format!("step {step}")).collect();
    json!({
        "gid": gid, "trans_type": "saga", "protocol": "grpc", "retry_interval": 1,
        "steps": steps, "payloads": payloads,
    })
}

#[tokio::test]
async fn a_saga_succeeds_and_each_call_says_what_it_is() {
    // behaviour 45, 57, 73, decision 19, defect M11
    let (server, branches) = all().await;
    let headers = json!({"X-Token": "t-1", "x-raw-bin": "grüße"});
    server.submit(&grpc_saga("g", &branches, 2).with("branch_headers", headers)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("succeed", "p s p s"));
    assert_eq!(view.field("protocol"), "grpc");
    assert_eq!(branches.methods(), ["A1", "A2"]);
    for (call, step) in branches.calls().iter().zip(["1", "2"]) {
        assert_eq!(call.path, format!("/busi.Busi/A{step}"));
        assert_eq!(call.text(), format!("step {step}"), "the payload as it is");
        for (name, value) in [
            ("content-type", "application/grpc"),
            ("dtm-gid", "g"),
            ("dtm-trans_type", "saga"),
            ("dtm-branch_id", &format!("0{step}")),
            ("dtm-op", "action"),
            ("dtm-dtm", ""),
            ("x-token", "t-1"),
            ("x-raw-bin", "Z3LDvMOfZQ"),
        ] {
            assert_eq!(call.header(name), value, "{name}");
        }
        assert!(call.headers.contains_key("dtm-dtm"));
        assert!(call.header("grpc-timeout").ends_with('m'), "{:?}", call.headers);
    }
}

#[tokio::test]
async fn aborted_rolls_back_with_the_message_as_the_reason() {
    // behaviour 46, 58
    let (server, branches) = all().await;
    branches.on("A2", [GrpcReply::of(Code::Aborted, "no stock: 订单")]);
    server.submit(&grpc_saga("g", &branches, 3)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s f p p"));
    let url = branches.url("A2");
    assert_eq!(view.reason(), format!("url:{url} return failed: no stock: 订单 FAILURE"));
    assert_eq!(branches.methods(), ["A1", "A2", "C2", "C1"]);
    assert_eq!(branches.calls_of("C2")[0].header("dtm-op"), "compensate");
}

#[tokio::test]
async fn both_ways_to_say_ongoing_keep_the_interval_and_the_saga() {
    // behaviour 46, 59
    let (server, branches) = all().await;
    let ongoing = [GrpcReply::of(Code::Aborted, "ONGOING"), GrpcReply::of(Code::FailedPrecondition, "wait")];
    branches.on("A1", ongoing.into_iter().chain([GrpcReply::ok()]));
    server.submit(&grpc_saga("g", &branches, 1)).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.number("next_cron_interval")), ("succeed", 1));
    assert_eq!(branches.methods(), ["A1", "A1", "A1"]);
}

#[tokio::test]
async fn every_other_status_is_tried_again_later() {
    // behaviour 46, 60
    let (server, branches) = all().await;
    branches.on("A1", [GrpcReply::of(Code::Unavailable, "FAILURE"), GrpcReply::ok()]);
    server.submit(&grpc_saga("g", &branches, 1)).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.methods(), ["A1", "A1"]);

    for (number, code) in
        [Code::Unknown, Code::Internal, Code::Unimplemented, Code::DeadlineExceeded].into_iter().enumerate()
    {
        let (gid, method) = (format!("g{number}"), format!("A{number}0"));
        branches.on(&method, [GrpcReply::of(code, "")]);
        let steps = json!([{"action": branches.url(&method), "compensate": ""}]);
        let body = grpc_saga(&gid, &branches, 1).with("steps", steps).with("retry_interval", 100);
        server.submit(&body).await;
        let view = server.until(&gid, |view| view.number("next_cron_interval") == 200).await;
        assert_eq!((view.status(), view.rows().as_str()), ("submitted", "p p"), "{code:?}");
    }
}

#[tokio::test]
async fn a_branch_that_does_not_answer_costs_its_time_out_and_is_no_failure() {
    // behaviour 45, 53
    let (server, branches) = all().await;
    branches.on("A1", [GrpcReply::Hang]);
    let body = grpc_saga("g", &branches, 1).with("request_timeout", 1).with("retry_interval", 100);
    server.submit(&body).await;
    let view = server.until("g", |view| view.number("next_cron_interval") == 200).await;
    assert_eq!(view.status(), "submitted");
    let deadline = branches.calls()[0].header("grpc-timeout").trim_end_matches('m').to_owned();
    assert!((1..=1_000).contains(&deadline.parse().unwrap()), "{deadline}");
}

#[tokio::test]
async fn a_service_that_comes_back_is_called_again() {
    // behaviour 60
    let server = Server::start().await;
    let port = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = |method: &str| format!("127.0.0.1:{port}/busi.Busi/{method}");
    let steps = json!([{"action": url("A1"), "compensate": url("C1")}]);
    let body = json!({
        "gid": "g", "trans_type": "saga", "protocol": "grpc", "retry_interval": 1,
        "steps": steps, "payloads": ["x"],
    });
    server.submit(&body).await;
    server.until("g", |view| view.number("next_cron_interval") > 1).await;
    let branches = GrpcBranches::start_on(port).await;
    assert_eq!(server.end_of("g").await.status(), "succeed");
    assert_eq!(branches.methods(), ["A1"]);
}

#[tokio::test]
async fn one_saga_over_http_json_rpc_and_grpc() {
    // behaviour 40, 47
    let (server, branches) = all().await;
    let http = Branches::start().await;
    let rpc_failure = r#"{"jsonrpc":"2.0","id":"1","error":{"code":-32901,"message":"no stock"}}"#;
    http.on("/rpc", [Reply::of(200, rpc_failure), Reply::ok()]);
    let steps = json!([
        {"action": branches.url("A1"), "compensate": branches.url("C1")},
        {"action": http.url("/a2"), "compensate": http.url("/c2")},
        {"action": http.url("/rpc?method=A3"), "compensate": http.url("/rpc?method=C3")},
    ]);
    let body = json!({
        "gid": "g", "trans_type": "saga", "protocol": "json-rpc", "retry_interval": 1,
        "steps": steps, "payloads": ["\u{8}\u{1}", "{\"n\":2}", "{\"n\":3}"],
    });
    server.submit(&body).await;
    let view = server.end_of("g").await;
    assert_eq!((view.status(), view.rows().as_str()), ("failed", "s s s s s f"));
    let url = http.url("/rpc?method=A3");
    assert_eq!(view.reason(), format!("url:{url} return failed: no stock FAILURE"), "defect B8");
    assert_eq!(branches.methods(), ["A1", "C1"]);
    assert_eq!(branches.calls()[1].text(), "\u{8}\u{1}");
    assert_eq!(http.paths(), ["/a2", "/rpc", "/rpc", "/c2"]);
    let ops: Vec<Value> =
        http.calls_of("/rpc").iter().map(|call| serde_json::from_slice(&call.body).unwrap()).collect();
    assert_eq!((&ops[0]["method"], &ops[0]["params"]["op"]), (&json!("A3"), &json!("action")));
    assert_eq!((&ops[1]["method"], &ops[1]["params"]["op"]), (&json!("C3"), &json!("compensate")));
    assert_eq!(http.calls_of("/a2")[0].op(), "action");
}

#[tokio::test]
async fn a_message_asks_back_over_grpc_or_by_http_as_its_url_says() {
    // behaviour 47, 82, 88
    let (server, branches) = all().await;
    let http = Branches::start().await;
    branches.on("Query", [GrpcReply::of(Code::Aborted, "rolled back"), GrpcReply::ok()]);
    let body = |gid: &str, query: String| {
        json!({
            "gid": gid, "trans_type": "msg", "protocol": "grpc", "retry_interval": 1, "timeout_to_fail": 1,
            "steps": [{"action": branches.url("A1")}], "payloads": ["m"], "query_prepared": query,
        })
    };
    server.accepts("prepare", &body("undone", branches.url("Query"))).await;
    assert_eq!(server.end_of("undone").await.status(), "failed");
    server.accepts("prepare", &body("done", branches.url("Query"))).await;
    assert_eq!(server.end_of("done").await.status(), "succeed");
    server.accepts("prepare", &body("http", http.url("/query"))).await;
    assert_eq!(server.end_of("http").await.status(), "succeed");
    assert_eq!(branches.methods(), ["Query", "Query", "A1", "A1"]);
    let query = &branches.calls()[0];
    assert_eq!((query.header("dtm-op"), query.header("dtm-branch_id"), query.text()), ("msg", "00", ""));
    assert_eq!(http.calls()[0].method, Method::GET);
}

#[tokio::test]
async fn tcc_and_xa_are_confirmed_and_rolled_back_over_grpc() {
    // behaviour 75, 76, 82
    let (server, branches) = all().await;
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc", "protocol": "grpc"})).await;
    for branch_id in ["01", "02"] {
        let register = json!({
            "gid": "t", "trans_type": "tcc", "branch_id": branch_id, "data": format!("data {branch_id}"),
            "confirm": branches.url("Confirm"), "cancel": branches.url("Cancel"),
        });
        server.accepts("registerBranch", &register).await;
    }
    server.accepts("submit", &json!({"gid": "t", "trans_type": "tcc", "protocol": "grpc"})).await;
    assert_eq!(server.end_of("t").await.rows(), "p s p s");
    let confirms: Vec<_> = branches.calls().iter().map(|call| call.text().to_owned()).collect();
    assert_eq!(confirms, ["data 02", "data 01"]);
    assert_eq!(branches.calls()[0].header("dtm-op"), "confirm");

    server.accepts("prepare", &json!({"gid": "x", "trans_type": "xa", "protocol": "grpc"})).await;
    let register = json!({"gid": "x", "trans_type": "xa", "branch_id": "01", "url": branches.url("Xa")});
    server.accepts("registerBranch", &register).await;
    server.accepts("abort", &json!({"gid": "x", "trans_type": "xa"})).await;
    server.end_of("x").await;
    let rollback = &branches.calls_of("Xa")[0];
    assert_eq!((rollback.header("dtm-op"), rollback.header("dtm-trans_type")), ("rollback", "xa"));
    assert_eq!(rollback.text(), "", "an empty message");
}

#[tokio::test]
async fn an_alert_names_the_grpc_url() {
    // behaviour 92
    let hook = Branches::start().await;
    let branches = GrpcBranches::start().await;
    let settings = crate::harness::Settings::default()
        .with("ALERT_WEB_HOOK", hook.url("/alert"))
        .with("ALERT_RETRY_LIMIT", 1);
    let server = settings.start().await;
    branches.on("A1", [GrpcReply::of(Code::Unavailable, "down")]);
    server.submit(&grpc_saga("g", &branches, 1)).await;
    hook.wait_for("/alert", 1).await;
    let alert: Value = serde_json::from_slice(&hook.calls()[0].body).unwrap();
    assert_eq!((&alert["gid"], &alert["branch"]), (&json!("g"), &json!(branches.url("A1"))));
    assert!(alert["error"].as_str().unwrap().contains("Unavailable"), "{alert}");
}

#[tokio::test]
async fn a_late_answer_of_an_earlier_server_changes_nothing_for_the_next_call() {
    // behaviour 53
    let (server, branches) = all().await;
    let gate = Gate::closed();
    branches.on("A1", [GrpcReply::Held(gate.clone(), Code::Aborted, "too late".to_owned()), GrpcReply::ok()]);
    let body = grpc_saga("g", &branches, 1).with("request_timeout", 1);
    server.submit(&body).await;
    branches.wait_for("A1", 2).await;
    gate.open();
    assert_eq!(server.end_of("g").await.status(), "succeed");
}

#[tokio::test]
async fn what_can_never_be_called_is_refused_with_its_field_and_nothing_is_stored() {
    // decision 14, behaviour 45
    let (server, http) = both().await;
    let branches = GrpcBranches::start().await;
    let with_action =
        |url: &str| grpc_saga("g", &branches, 1).with("steps", json!([{"action": url, "compensate": ""}]));
    let url = branches.url("A1");
    let host = branches.address().to_string();
    for (body, field, words) in [
        (with_action(&host), "steps[0].action", "host:port/package.Service/Method"),
        (with_action(&format!("{host}/busi.Busi")), "steps[0].action", "host:port/package.Service/Method"),
        (with_action("stock/busi.Busi/A1"), "steps[0].action", "port"),
        (with_action("nacos://stock/busi.Busi/A1"), "steps[0].action", "no driver serves nacos://"),
        (with_action(&url).with("protocol", "http"), "steps[0].action", "needs protocol grpc"),
        (with_action(&url).with("branch_headers", json!({"x!": "v"})), "branch_headers", "'x!'"),
        (with_action(&url).with("branch_headers", json!({"x-t": "ü"})), "branch_headers", "'x-t'"),
        (with_action(&url).with("gid", "订单"), "gid", "printable ASCII"),
        (
            message("g", &http, 1).with("query_prepared", url.as_str()),
            "query_prepared",
            "needs protocol grpc",
        ),
    ] {
        let answer = server.post("submit", &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        let message = answer.message();
        assert!(message.starts_with(&format!("{field}: ")) && message.contains(words), "{message}");
    }
    server.accepts("prepare", &json!({"gid": "t", "trans_type": "tcc"})).await;
    let register = json!({
        "gid": "t", "trans_type": "tcc", "branch_id": "01", "data": "", "confirm": url, "cancel": "",
    });
    let answer = server.post("registerBranch", &register).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.message().contains("confirm: "), "{answer:?}");
    assert!(server.query("t").await.branches().is_empty());
    assert!(!server.query("g").await.exists() && !server.query("订单").await.exists());
    assert!(branches.calls().is_empty());

    // the same headers and gid are fine where nothing goes over gRPC
    let body = saga("订单", &http, 1).with("branch_headers", json!({"x-t": "ü"}));
    server.submit(&body).await;
    assert_eq!(server.end_of("订单").await.status(), "succeed");
}
