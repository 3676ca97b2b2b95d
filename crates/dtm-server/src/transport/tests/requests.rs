//! What goes out: behaviour 49-53.

use dtm_core::coordinator::{CallKey, CallOp};
use dtm_core::model::{BranchId, Gid, Mode, Op, Outcome, Payload, Protocol};

use super::fixtures::{Received, Server, answer, call, cause, headers, transport};
use crate::transport::Transport;

async fn server() -> Server {
    Server::answering(answer("200 OK", "")).await
}

#[tokio::test]
async fn a_branch_gets_its_coordinates_in_the_query_and_the_payload_as_json() {
    // behaviour 49, 50, 51
    let mut server = server().await;
    let outcome = transport().call(&call(&server.url("/deduct?x=1")), &headers([])).await;
    assert_eq!(outcome, Outcome::Success);
    let request = server.next();
    assert_eq!(
        request.line(),
        "POST /deduct?x=1&branch_id=01&gid=order-47&op=action&trans_type=saga HTTP/1.1"
    );
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("host"), [server.address.to_string()]);
    assert_eq!(request.body, b"{\"amount\":30}");
}

#[tokio::test]
async fn a_gid_that_needs_escapes_arrives_as_it_was() {
    // behaviour 9, 49
    let mut server = server().await;
    let mut branch = call(&server.url("/a"));
    branch.gid = Gid::parse("order 47/ü?&\"'+%").unwrap();
    assert_eq!(transport().call(&branch, &headers([])).await, Outcome::Success);
    assert_eq!(
        server.next().line(),
        "POST /a?branch_id=01&gid=order%2047%2F%C3%BC%3F%26%22%27%2B%25&op=action&trans_type=saga HTTP/1.1"
    );
}

#[tokio::test]
async fn the_method_follows_from_payload_mode_and_kind_of_call() {
    // behaviour 50, 82, decision 8
    let branch = call("").key;
    let action = CallOp::Branch(Op::Action);
    let workflow = CallOp::Workflow("transfer".into());
    let rows = [
        (Mode::Saga, branch, action.clone(), Protocol::Http, "{}", "POST", "{}"),
        (Mode::Saga, branch, action.clone(), Protocol::Http, "null", "POST", "null"),
        (Mode::Saga, branch, action, Protocol::Http, "", "GET", ""),
        (Mode::Xa, branch, CallOp::Branch(Op::Commit), Protocol::Http, "", "POST", ""),
        (Mode::Message, CallKey::Probe, CallOp::Branch(Op::Message), Protocol::Http, "", "GET", ""),
        (Mode::Workflow, CallKey::Resume, workflow.clone(), Protocol::Http, "abc", "POST", "abc"),
        (Mode::Workflow, CallKey::Resume, workflow.clone(), Protocol::Http, "", "POST", ""),
        (Mode::Workflow, CallKey::Resume, workflow, Protocol::Grpc, "", "GET", ""),
    ];
    let mut server = server().await;
    let transport = transport();
    for (mode, key, op, protocol, payload, method, body) in rows {
        let mut branch = call(&server.url("/a"));
        (branch.mode, branch.key, branch.op, branch.protocol) = (mode, key, op, protocol);
        branch.branch_id = BranchId::root();
        branch.payload = Payload::from(payload);
        assert_eq!(transport.call(&branch, &headers([])).await, Outcome::Success);

        let request = server.next();
        let (mode, op) = (branch.mode, branch.op.as_str());
        assert_eq!(
            request.line(),
            format!("{method} /a?branch_id=00&gid=order-47&op={op}&trans_type={mode} HTTP/1.1")
        );
        assert_eq!(request.body, body.as_bytes());
        assert_eq!(request.header("content-type"), ["application/json"], "for GET as well");
        let length = body.len().to_string();
        let expected: &[&str] = if method == "POST" { &[&length] } else { &[] };
        assert_eq!(request.header("content-length"), expected, "{method} {body:?}");
    }
    assert_eq!(transport.calls(), 8);
}

#[tokio::test]
async fn branch_headers_are_sent_and_override_the_content_type() {
    // behaviour 49
    let mut server = server().await;
    transport().call(&call(&server.url("/a")), &headers([])).await;
    let user_agent = concat!("dtm-server/", env!("CARGO_PKG_VERSION"));
    assert_eq!(server.next().header("user-agent"), [user_agent]);

    let branch_headers =
        headers([("CONTENT-TYPE", "text/plain"), ("x-token", "grüße"), ("User-Agent", "shop")]);
    transport().call(&call(&server.url("/a")), &branch_headers).await;
    let request = server.next();
    assert_eq!(request.header("user-agent"), ["shop"]);
    assert_eq!(request.header("content-type"), ["text/plain"]);
    assert_eq!(request.header("x-token"), ["grüße"]);
}

#[tokio::test]
async fn branch_headers_name_another_host_but_do_not_change_where_the_request_ends_or_goes() {
    // behaviour 49, 73
    let mut server = server().await;
    let branch_headers =
        headers([("Content-Length", "1"), ("Transfer-Encoding", "chunked"), ("Host", "elsewhere")]);
    assert_eq!(transport().call(&call(&server.url("/a")), &branch_headers).await, Outcome::Success);
    let request = server.next();
    assert_eq!(request.header("content-length"), ["13"]);
    assert_eq!(request.header("transfer-encoding"), [""; 0]);
    assert_eq!(request.header("host"), ["elsewhere"], "for gateways that choose the service by it");
    assert_eq!(request.body, b"{\"amount\":30}");
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_sends_nothing() {
    let mut server = server().await;
    let transport = transport();
    let branch_headers = headers([("x-token", "secret\r\nx-other: 1")]);
    let outcome = transport.call(&call(&server.url("/a")), &branch_headers).await;
    assert!(cause(&outcome).contains("x-token") && !cause(&outcome).contains("secret"), "{outcome:?}");
    assert!(server.received.try_recv().is_err());
    assert_eq!(transport.calls(), 0);
}

#[tokio::test]
async fn a_user_in_the_url_is_sent_as_basic_authorization() {
    let mut server = server().await;
    let url = format!("http://user:pass@{}/a", server.address);
    transport().call(&call(&url), &headers([])).await;
    let request: Received = server.next();
    assert_eq!(request.header("authorization"), ["Basic dXNlcjpwYXNz"]);
    assert_eq!(request.header("host"), [server.address.to_string()]);
}

#[tokio::test]
async fn an_http_url_of_a_grpc_transaction_is_called_by_http() {
    // behaviour 47
    let mut server = server().await;
    let mut branch = call(&server.url("/a"));
    branch.protocol = Protocol::Grpc;
    assert_eq!(transport().call(&branch, &headers([])).await, Outcome::Success);
    server.next();
}

#[tokio::test]
async fn no_url_is_success_without_a_call() {
    // behaviour 54
    let transport = transport();
    assert_eq!(transport.call(&call(""), &headers([])).await, Outcome::Success);
    assert_eq!(transport.calls(), 0);
}

#[tokio::test]
async fn a_url_that_cannot_be_called_is_unknown_and_says_why() {
    // behaviour 40, 45
    let transport = transport();
    for (url, protocol, words) in [
        ("127.0.0.1:1/busi.Busi/TransIn", Protocol::Http, "needs protocol grpc"),
        ("grpc://127.0.0.1:1/a", Protocol::Http, "has to begin with http://"),
        ("http://[::1/a", Protocol::Http, "does not parse"),
        ("http://h:70000/a", Protocol::Http, "port"),
    ] {
        let mut branch = call(url);
        branch.protocol = protocol;
        let outcome = transport.call(&branch, &headers([])).await;
        assert!(cause(&outcome).contains(words), "{url}: {outcome:?}");
    }
    assert_eq!(transport.calls(), 0);
}
