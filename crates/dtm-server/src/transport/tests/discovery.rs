//! Calls to services whose addresses have to be found.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rustls::RootCertStore;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::{Outcome, Protocol};
use dtm_proto::outcome::ResultProtocol;

use super::fixtures::{Server, answer, call, cause, config, headers};
use super::grpc_server::{GrpcServer, Says};
use crate::config::{DiscoveryConfig, StaticServices, TransportConfig};
use crate::transport::{BranchTransport, Contact, Guarded, HttpClient, HttpTransport, Transport};

const LONG: Duration = Duration::from_secs(60);

/// A port that nobody listens on.
fn dead() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

/// A transport for which `static://stock` has these addresses.
fn transport(addresses: &[SocketAddr]) -> BranchTransport {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    transport_of(&format!("stock={}", addresses.join(",")))
}

fn transport_of(services: &str) -> BranchTransport {
    let services = StaticServices::parse(services).unwrap();
    let discovery = DiscoveryConfig { services, ..DiscoveryConfig::default() };
    let config = TransportConfig { discovery, ..config() };
    let http = HttpClient::with_roots(&config, RootCertStore::empty()).unwrap();
    BranchTransport::by(HttpTransport::by(http, ResultProtocol::Compat), &config)
}

fn grpc(url: &str) -> BranchCall {
    BranchCall { protocol: Protocol::Grpc, ..call(url) }
}

#[tokio::test]
async fn over_http_the_addresses_are_called_in_turn_and_told_the_name() {
    // behaviour 49
    let mut servers =
        [Server::answering(answer("200 OK", "")).await, Server::answering(answer("200 OK", "")).await];
    let transport = transport(&[servers[0].address, servers[1].address]);
    for _ in 0..4 {
        let outcome = transport.call(&call("static://stock/deduct?x=1"), &headers([])).await;
        assert_eq!(outcome, Outcome::Success);
    }
    for server in &mut servers {
        for _ in 0..2 {
            let request = server.next();
            assert_eq!(
                request.line(),
                "POST /deduct?x=1&branch_id=01&gid=order-47&op=action&trans_type=saga HTTP/1.1"
            );
            assert_eq!(request.header("host"), ["stock"]);
        }
    }
}

#[tokio::test]
async fn over_grpc_the_addresses_are_called_in_turn_and_told_the_name() {
    // behaviour 45
    let mut servers =
        [GrpcServer::saying(Says::Status(0, "")).await, GrpcServer::saying(Says::Status(0, "")).await];
    let transport = transport(&[servers[0].address, servers[1].address]);
    for url in ["static://stock/busi.Busi/TransIn", "grpc+static://stock/busi.Busi/TransIn"] {
        for protocol in [Protocol::Grpc, Protocol::Http] {
            if protocol == Protocol::Http && url.starts_with("static") {
                continue; // that is a call over HTTP
            }
            for _ in 0..2 {
                let branch = BranchCall { protocol, ..call(url) };
                assert_eq!(transport.call(&branch, &headers([])).await, Outcome::Success, "{url}");
            }
        }
    }
    for server in &mut servers {
        for _ in 0..3 {
            let call = server.next();
            assert_eq!((call.path.as_str(), call.authority.as_str()), ("/busi.Busi/TransIn", "stock"));
        }
    }
    assert_eq!(transport.grpc_channels(), 2);
}

#[tokio::test]
async fn an_address_that_cannot_be_reached_is_passed_over_within_the_same_call() {
    let mut server = Server::answering(answer("200 OK", "")).await;
    let over_http = transport(&[dead(), server.address, dead()]);
    for _ in 0..6 {
        assert_eq!(over_http.call(&call("static://stock/a"), &headers([])).await, Outcome::Success);
        server.next();
    }
    let mut server = GrpcServer::saying(Says::Status(0, "")).await;
    let over_grpc = transport(&[dead(), server.address, dead()]);
    for _ in 0..6 {
        let outcome = over_grpc.call(&grpc("static://stock/a.B/C"), &headers([])).await;
        assert_eq!(outcome, Outcome::Success);
        server.next();
    }
}

#[tokio::test]
async fn a_call_that_may_have_arrived_is_not_tried_elsewhere() {
    // promise: nothing is done twice by ourselves
    let mut broken = [GrpcServer::saying(Says::Drop).await, GrpcServer::saying(Says::Drop).await];
    let transport = transport(&[broken[0].address, broken[1].address]);
    let attempt = transport.attempt(&grpc("static://stock/a.B/C"), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("no answer"), "{attempt:?}");
    let calls = broken.iter_mut().filter_map(|server| server.calls.try_recv().ok()).count();
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn when_no_address_can_be_reached_the_cause_names_service_and_address() {
    let address = dead();
    let transport = transport(&[address]);
    for branch in [call("static://stock/a?token=x"), grpc("static://stock/a.B/C")] {
        let attempt = transport.attempt(&branch, &headers([]), LONG).await;
        let words = cause(&attempt.outcome);
        let expected = format!("static://stock at {address}: could not connect: ");
        assert!(words.starts_with(&expected), "{words}");
        assert_eq!(attempt.contact, Contact::NotReached);
    }
}

#[tokio::test]
async fn an_address_with_a_host_name_is_looked_up_and_one_that_does_not_exist_takes_nobody_with_it() {
    let mut server = Server::answering(answer("200 OK", "")).await;
    let port = server.address.port();
    let transport =
        transport_of(&format!("stock=no-such-host.invalid:80,localhost:{port};dead=no-such-host.invalid:80"));
    for _ in 0..4 {
        assert_eq!(transport.call(&call("static://stock/a"), &headers([])).await, Outcome::Success);
        server.next();
    }
    let attempt = transport.attempt(&call("static://dead/a"), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("could not be looked up"), "{attempt:?}");
    assert_eq!(attempt.contact, Contact::NotReached);
}

#[tokio::test]
async fn what_no_driver_serves_is_unknown_and_names_the_drivers() {
    let transport = transport_of("");
    for url in ["nacos://stock/a", "static://stock/a"] {
        let attempt = transport.attempt(&call(url), &headers([]), LONG).await;
        assert!(matches!(attempt.outcome, Outcome::Unknown { .. }), "{attempt:?}");
    }
    let attempt = transport.attempt(&call("nacos://stock/a"), &headers([]), LONG).await;
    assert!(cause(&attempt.outcome).contains("static://, dns://, dns+srv://"), "{attempt:?}");
}

#[tokio::test]
async fn the_breaker_counts_per_service() {
    let server = Server::answering(answer("200 OK", "")).await;
    let (dead, healthy) = (dead(), server.address);
    let guarded = Guarded::new(transport_of(&format!("dead={dead};stock={healthy}")), &config());
    for path in 0..16 {
        let outcome = guarded.call(&call(&format!("static://dead/{path}")), &headers([])).await;
        assert!(cause(&outcome).contains("could not connect"), "{outcome:?}");
    }
    let outcome = guarded.call(&call("static://dead/other"), &headers([])).await;
    assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome:?}");
    assert_eq!(guarded.call(&call("static://stock/a"), &headers([])).await, Outcome::Success);
}
