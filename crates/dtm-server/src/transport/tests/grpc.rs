//! Calls over gRPC: behaviour 45, 46, 98, and everything that a sick server may do instead.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use h2::Reason;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

use dtm_core::coordinator::{BranchCall, CallKey, CallOp};
use dtm_core::model::{BranchId, Mode, Op, Outcome, Payload, Protocol, Seconds};

use super::fixtures::{Server, call, cause, config, headers};
use super::grpc_server::{GrpcServer, Says, framed};
use crate::config::TransportConfig;
use crate::transport::{Attempt, Contact, GrpcTransport, Guarded, Transport};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

fn grpc(url: &str) -> BranchCall {
    BranchCall { protocol: Protocol::Grpc, ..call(url) }
}

fn transport() -> GrpcTransport {
    GrpcTransport::new(&config())
}

async fn attempt_of(server: &GrpcServer, limit: Duration) -> Attempt {
    transport().attempt(&grpc(&server.url()), &headers([]), limit).await
}

#[tokio::test]
async fn a_call_is_unary_with_the_coordinates_as_metadata_and_the_payload_as_it_is() {
    // behaviour 45, decision 19, defect M11
    let mut server = GrpcServer::saying(Says::Status(0, "")).await;
    let mut branch = grpc(&server.url());
    branch.payload = Payload::from(b"\x08\x1e\xff".as_slice());
    assert_eq!(transport().call(&branch, &headers([])).await, Outcome::Success);
    let call = server.next();
    assert_eq!(call.path, "/busi.Busi/TransIn");
    assert_eq!(call.authority, server.address.to_string());
    assert_eq!(call.body, framed(b"\x08\x1e\xff"));
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("dtm-gid", "order-47"),
        ("dtm-trans_type", "saga"),
        ("dtm-branch_id", "01"),
        ("dtm-op", "action"),
        ("dtm-dtm", ""),
    ] {
        assert_eq!(call.header(name), value, "{name}");
    }
    let deadline: u64 = call.header("grpc-timeout").strip_suffix('m').unwrap().parse().unwrap();
    assert!((2_000..=3_000).contains(&deadline), "{deadline}");
}

#[tokio::test]
async fn xa_and_the_back_check_send_an_empty_message() {
    // behaviour 82, 88
    let mut server = GrpcServer::saying(Says::Status(0, "")).await;
    let transport = transport();
    for (mode, key, op) in
        [(Mode::Xa, call("").key, Op::Commit), (Mode::Message, CallKey::Probe, Op::Message)]
    {
        let mut branch = grpc(&server.url());
        (branch.mode, branch.key, branch.op) = (mode, key, CallOp::Branch(op));
        branch.payload = Payload::empty();
        assert_eq!(transport.call(&branch, &headers([])).await, Outcome::Success);
        let call = server.next();
        assert_eq!(call.body, framed(b""));
        assert_eq!((call.header("dtm-trans_type"), call.header("dtm-op")), (mode.as_str(), op.as_str()));
    }
}

#[tokio::test]
async fn a_workflow_is_called_back_with_its_message() {
    // behaviour 98
    let mut server = GrpcServer::saying(Says::Status(0, "")).await;
    for (data, message) in [(b"abc".as_slice(), b"\x0a\x03abc".as_slice()), (b"", b"")] {
        let mut branch = grpc(&format!("{}/workflow.Workflow/Execute", server.address));
        (branch.mode, branch.key) = (Mode::Workflow, CallKey::Resume);
        branch.op = CallOp::Workflow("transfer".into());
        (branch.branch_id, branch.payload) = (BranchId::root(), Payload::from(data));
        assert_eq!(transport().call(&branch, &headers([])).await, Outcome::Success);
        let call = server.next();
        assert_eq!(
            (call.path.as_str(), &call.body[..]),
            ("/workflow.Workflow/Execute", &framed(message)[..])
        );
        assert_eq!((call.header("dtm-op"), call.header("dtm-branch_id")), ("transfer", "00"));
    }
}

#[tokio::test]
async fn branch_headers_are_metadata_and_cannot_change_the_call_itself() {
    // behaviour 45, 73
    let mut server = GrpcServer::saying(Says::Status(0, "")).await;
    let branch_headers = headers([
        ("X-Token", "t 1"),
        ("x-raw-bin", "grüße"),
        ("Content-Type", "text/plain"),
        ("Host", "elsewhere"),
        ("content-length", "1"),
        ("grpc-timeout", "1m"),
        ("dtm-gid", "another"),
        ("TE", "gzip"),
        ("connection", "close"),
    ]);
    assert_eq!(transport().call(&grpc(&server.url()), &branch_headers).await, Outcome::Success);
    let call = server.next();
    assert_eq!(call.header("x-token"), "t 1");
    assert_eq!(call.header("x-raw-bin"), "Z3LDvMOfZQ");
    assert_eq!(call.header("content-type"), "application/grpc");
    assert_eq!(call.authority, server.address.to_string());
    assert_eq!(call.header("dtm-gid"), "order-47");
    assert_eq!(call.headers.get_all("dtm-gid").iter().count(), 1);
    assert_eq!(call.header("te"), "trailers");
    assert_eq!(call.body, framed(b"{\"amount\":30}"));
}

#[tokio::test]
async fn a_status_is_read_by_the_result_table_wherever_it_stands() {
    // behaviour 46
    let failure = |reason: &str| Outcome::Failure { reason: reason.to_owned() };
    for (code, message, expected) in [
        (0, "", Outcome::Success),
        (10, "no stock", failure("no stock")),
        (10, "", failure("")),
        (10, "ONGOING", Outcome::Ongoing),
        (10, "ONGOING.", failure("ONGOING.")),
        (9, "not yet", Outcome::Ongoing),
    ] {
        for says in [Says::Status(code, message), Says::OnlyStatus(code, message)] {
            let server = GrpcServer::saying(says.clone()).await;
            assert_eq!(attempt_of(&server, LONG).await.outcome, expected, "{says:?}");
        }
    }
    for code in [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17] {
        let server = GrpcServer::saying(Says::Status(code, "FAILURE")).await;
        let attempt = attempt_of(&server, LONG).await;
        assert!(cause(&attempt.outcome).contains("gRPC status"), "{code}: {attempt:?}");
        assert_eq!(attempt.contact, Contact::Answered);
    }
}

#[tokio::test]
async fn what_has_no_status_is_unknown() {
    for (says, words) in [
        (Says::NoStatus, "without a gRPC status"),
        (Says::NoTrailers, "without a gRPC status"),
        (Says::Http(200), "without a gRPC status"),
        (Says::Http(409), "HTTP status 409"),
        (Says::Http(503), "HTTP status 503"),
        (Says::Endless, "limit of 65536 bytes"),
        (Says::MessageAndReset, "broke before the status"),
    ] {
        let server = GrpcServer::saying(says.clone()).await;
        let attempt = attempt_of(&server, LONG).await;
        assert!(cause(&attempt.outcome).contains(words), "{says:?}: {attempt:?}");
        assert_eq!(attempt.contact, Contact::Answered, "{says:?}");
    }
}

#[tokio::test]
async fn a_call_whose_stream_or_connection_breaks_is_unknown_and_sent_once() {
    for says in [
        Says::Reset(Reason::INTERNAL_ERROR),
        Says::Reset(Reason::REFUSED_STREAM),
        Says::Reset(Reason::CANCEL),
        Says::Reset(Reason::NO_ERROR),
        Says::Reset(Reason::ENHANCE_YOUR_CALM),
        Says::GoAway,
        Says::Drop,
    ] {
        let mut server = GrpcServer::saying(says.clone()).await;
        let attempt = attempt_of(&server, LONG).await;
        assert!(cause(&attempt.outcome).contains("no answer: "), "{says:?}: {attempt:?}");
        assert_eq!(attempt.contact, Contact::Inconclusive);
        server.next();
        assert!(server.calls.try_recv().is_err(), "{says:?}: once only");
    }
}

#[tokio::test]
async fn a_server_that_speaks_http_1_is_unknown() {
    let server = Server::start(|mut peer| async move {
        peer.stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        // what is still unread must not turn into a reset that overtakes the answer
        let mut rest = Vec::new();
        drop(tokio::io::AsyncReadExt::read_to_end(&mut peer.stream, &mut rest).await);
    })
    .await;
    let url = format!("{}/busi.Busi/TransIn", server.address);
    let attempt = transport().attempt(&grpc(&url), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("no answer: "), "{attempt:?}");
}

#[tokio::test]
async fn silence_costs_the_time_out_of_the_call() {
    // behaviour 45, 53
    let server = GrpcServer::saying(Says::Nothing).await;
    let mut branch = grpc(&server.url());
    branch.timeout = Seconds::new(1);
    let started = Instant::now();
    let outcome = transport().call(&branch, &headers([])).await;
    assert_eq!(cause(&outcome), format!("{}: no answer within 1 s", server.address));
    assert!((1_000..2_500).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert_eq!(attempt_of(&server, SHORT).await.contact, Contact::TimedOut);

    let half = GrpcServer::saying(Says::HalfAnAnswer).await;
    let attempt = attempt_of(&half, SHORT).await;
    assert!(cause(&attempt.outcome).contains("without a status within 0.2 s"), "{attempt:?}");
    assert_eq!(attempt.contact, Contact::Answered);

    // takes connections, and says nothing at all
    let mute = Server::start(|peer| async move {
        let _open = peer;
        std::future::pending().await
    })
    .await;
    let url = format!("{}/busi.Busi/TransIn", mute.address);
    let attempt = transport().attempt(&grpc(&url), &headers([]), SHORT).await;
    assert_eq!(attempt.contact, Contact::TimedOut, "{attempt:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unknown() {
    let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let transport = transport();
    for host in [address.to_string(), "no-such-host.invalid:1".to_owned()] {
        let attempt =
            transport.attempt(&grpc(&format!("{host}/busi.Busi/TransIn")), &headers([]), LONG).await;
        let cause = cause(&attempt.outcome);
        assert!(cause.starts_with(&format!("{host}: could not connect: ")), "{cause}");
        assert_eq!(attempt.contact, Contact::NotReached);
    }
    assert_eq!(transport.channels(), 0);
}

#[tokio::test]
async fn what_cannot_be_sent_sends_nothing_and_says_why() {
    let mut server = GrpcServer::saying(Says::Status(0, "")).await;
    let transport = transport();
    let outcome = transport.call(&grpc(&server.url()), &headers([("x-token", "sécret")])).await;
    assert!(cause(&outcome).contains("x-token") && !cause(&outcome).contains("cret"), "{outcome:?}");
    let outcome = transport.call(&grpc(&server.address.to_string()), &headers([])).await;
    assert!(cause(&outcome).contains("host:port/package.Service/Method"), "{outcome:?}");
    assert!(server.calls.try_recv().is_err());
}

#[tokio::test]
async fn calls_share_one_connection_also_while_it_is_being_made() {
    let server = GrpcServer::saying(Says::Status(0, "")).await;
    let transport = Arc::new(transport());
    for _ in 0..2 {
        let mut calls = JoinSet::new();
        for _ in 0..200 {
            let (transport, branch) = (Arc::clone(&transport), grpc(&server.url()));
            calls.spawn(async move { transport.call(&branch, &headers([])).await });
        }
        assert!(calls.join_all().await.iter().all(|outcome| *outcome == Outcome::Success));
    }
    let mut calls = server.calls;
    for _ in 0..400 {
        assert_eq!(calls.try_recv().unwrap().connection, 0);
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_while_connecting_takes_nobody_with_it() {
    let server = GrpcServer::saying(Says::Status(0, "")).await;
    let transport = transport();
    let branch = grpc(&server.url());
    // looked at once, and dropped
    assert!(transport.attempt(&branch, &headers([]), LONG).now_or_never().is_none());
    assert_eq!(transport.call(&branch, &headers([])).await, Outcome::Success);
}

#[tokio::test]
async fn a_channel_that_the_server_closed_is_replaced() {
    let mut server = GrpcServer::deciding(|method| match method {
        "Drop" => Says::Drop,
        "GoAway" => Says::GoAway,
        _ => Says::Status(0, ""),
    })
    .await;
    let transport = transport();
    for (connection, end) in ["Drop", "GoAway"].into_iter().enumerate() {
        for _ in 0..3 {
            assert_eq!(transport.call(&grpc(&server.url()), &headers([])).await, Outcome::Success);
            assert_eq!(server.next().connection, connection);
        }
        let outcome = transport.call(&grpc(&server.method(end)), &headers([])).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
        server.next();
    }
    assert_eq!(transport.call(&grpc(&server.url()), &headers([])).await, Outcome::Success);
    assert_eq!(server.next().connection, 2);
}

#[tokio::test]
async fn a_connection_that_fell_silent_is_left_and_one_that_others_are_answered_on_is_not() {
    let mut server = GrpcServer::deciding(|method| match method {
        "Hang" => Says::Nothing,
        _ => Says::Status(0, ""),
    })
    .await;
    let transport = Arc::new(transport());
    let ok = grpc(&server.url());
    let hang = grpc(&server.method("Hang"));
    assert_eq!(transport.call(&ok, &headers([])).await, Outcome::Success);

    let hanging = tokio::spawn({
        let (transport, hang) = (Arc::clone(&transport), hang.clone());
        async move { transport.attempt(&hang, &headers([]), SHORT).await }
    });
    while !hanging.is_finished() {
        assert_eq!(transport.call(&ok, &headers([])).await, Outcome::Success);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(transport.call(&ok, &headers([])).await, Outcome::Success);
    while let Ok(call) = server.calls.try_recv() {
        assert_eq!(call.connection, 0, "its neighbours were answered meanwhile");
    }

    assert_eq!(transport.attempt(&hang, &headers([]), SHORT).await.contact, Contact::TimedOut);
    server.next();
    assert_eq!(transport.call(&ok, &headers([])).await, Outcome::Success);
    assert_eq!(server.next().connection, 1, "nothing came over the first one meanwhile");
}

#[tokio::test]
async fn a_channel_that_nobody_uses_is_closed() {
    let idle = TransportConfig { idle_timeout: Duration::from_millis(50), ..config() };
    let mut server = GrpcServer::saying(Says::Status(0, "")).await;
    let transport = GrpcTransport::new(&idle);
    assert_eq!(transport.call(&grpc(&server.url()), &headers([])).await, Outcome::Success);
    assert_eq!((transport.channels(), server.open()), (1, 1));
    server.closed().await;
    assert_eq!(transport.channels(), 0);

    let slow = GrpcServer::saying(Says::Nothing).await;
    let attempt = transport.attempt(&grpc(&slow.url()), &headers([]), SHORT).await;
    assert_eq!(attempt.contact, Contact::TimedOut, "a channel with a call on it is not idle");
}

#[tokio::test]
async fn servers_that_break_or_hang_fail_nobody_else() {
    let healthy = GrpcServer::saying(Says::Status(0, "")).await;
    let broken = GrpcServer::saying(Says::Drop).await;
    let hanging = GrpcServer::saying(Says::Nothing).await;
    let transport = Arc::new(transport());
    let mut sick = JoinSet::new();
    for url in [broken.url(), hanging.url(), "127.0.0.1:1/busi.Busi/TransIn".to_owned()] {
        for _ in 0..100 {
            let (transport, branch) = (Arc::clone(&transport), grpc(&url));
            sick.spawn(async move { transport.attempt(&branch, &headers([]), LONG).await });
        }
    }
    for _ in 0..50 {
        assert_eq!(transport.call(&grpc(&healthy.url()), &headers([])).await, Outcome::Success);
    }
    sick.abort_all();
}

#[tokio::test]
async fn the_breaker_counts_per_grpc_server() {
    let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let healthy = GrpcServer::saying(Says::Status(0, "")).await;
    let guarded = Guarded::new(transport(), &config());
    for method in 0..16 {
        let dead = grpc(&format!("{address}/busi.Busi/M{method}"));
        assert!(cause(&guarded.call(&dead, &headers([])).await).contains("could not connect"));
    }
    let outcome = guarded.call(&grpc(&format!("{address}/other.Other/M")), &headers([])).await;
    assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome:?}");
    assert_eq!(guarded.call(&grpc(&healthy.url()), &headers([])).await, Outcome::Success);
}
