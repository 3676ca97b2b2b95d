//! Services whose addresses are configured, or stand in DNS.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::{Value, json};

use crate::harness::{Branches, GrpcBranches, NameServer, Record, Server, Settings, With};

const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A saga of one step.
fn saga_of(gid: &str, protocol: &str, action: &str) -> Value {
    json!({
        "gid": gid, "trans_type": "saga", "protocol": protocol, "retry_interval": 1,
        "steps": [{"action": action, "compensate": ""}], "payloads": ["{}"],
    })
}

async fn succeeds(server: &Server, gid: &str, protocol: &str, action: &str) {
    server.submit(&saga_of(gid, protocol, action)).await;
    assert_eq!(server.end_of(gid).await.status(), "succeed");
}

/// A port that nobody listens on.
fn dead_port() -> u16 {
    TcpListener::bind((HOME, 0)).unwrap().local_addr().unwrap().port()
}

async fn with_dns() -> (Server, NameServer) {
    let dns = NameServer::start().await;
    let settings =
        Settings::default().with("DISCOVERY_NAME_SERVERS", dns.address()).with("DISCOVERY_MAX_AGE", 1);
    (settings.start().await, dns)
}

#[tokio::test]
async fn a_configured_service_is_called_at_its_addresses_in_turn_over_http_and_grpc() {
    let http = [Branches::start().await, Branches::start().await];
    let grpc = [GrpcBranches::start().await, GrpcBranches::start().await];
    let services = format!(
        "stock={},{};pay=127.0.0.1:{},{},{}",
        http[0].address(),
        http[1].address(),
        dead_port(),
        grpc[0].address(),
        grpc[1].address()
    );
    let server = Settings::default().with("DISCOVERY_SERVICES", services).start().await;
    for number in 0..4 {
        succeeds(&server, &format!("h{number}"), "http", "static://stock/deduct?x=1").await;
        succeeds(&server, &format!("g{number}"), "grpc", "static://pay/busi.Busi/Charge").await;
        succeeds(&server, &format!("m{number}"), "grpc", "http+static://stock/mixed").await;
    }
    for branches in &http {
        assert_eq!(branches.calls().len(), 4, "{:?}", branches.paths());
        assert_eq!(branches.calls()[0].header("host"), "stock");
    }
    assert_eq!(http[0].count("/deduct") + http[1].count("/deduct"), 4);
    let charged: Vec<usize> = grpc.iter().map(|branches| branches.calls().len()).collect();
    assert_eq!(charged.iter().sum::<usize>(), 4, "each once, although one of three addresses is dead");
    assert!(charged.iter().all(|calls| *calls > 0), "{charged:?}");
}

#[tokio::test]
async fn a_name_with_several_addresses_in_dns_is_called_at_all_of_them() {
    let (server, dns) = with_dns().await;
    let first = GrpcBranches::start().await;
    let port = first.address().port();
    let second = GrpcBranches::start_at((Ipv4Addr::new(127, 0, 0, 2), port)).await;
    dns.set("stock.example", [Record::A(HOME), Record::A(Ipv4Addr::new(127, 0, 0, 2))]);
    for number in 0..4 {
        let url = format!("dns:///stock.example:{port}/busi.Busi/Deduct");
        succeeds(&server, &format!("g{number}"), "grpc", &url).await;
    }
    assert_eq!((first.calls().len(), second.calls().len()), (2, 2));

    let http = Branches::start().await;
    let url = format!("dns://stock.example:{}/deduct", http.address().port());
    for number in 0..2 {
        // nobody listens on the second address
        succeeds(&server, &format!("h{number}"), "http", &url).await;
    }
    assert_eq!(http.count("/deduct"), 2);
}

#[tokio::test]
async fn the_targets_of_srv_records_are_called_by_priority_with_their_ports() {
    let (server, dns) = with_dns().await;
    let branches = [Branches::start().await, Branches::start().await, Branches::start().await];
    let target = |branches: &Branches, priority, target| Record::Srv {
        priority,
        port: branches.address().port(),
        target,
    };
    let dead = Record::Srv { priority: 5, port: dead_port(), target: "a.stock.example" };
    dns.set(
        "_http._tcp.stock.example",
        [
            target(&branches[2], 20, "a.stock.example"),
            target(&branches[0], 10, "a.stock.example"),
            target(&branches[1], 10, "b.stock.example"),
            target(&branches[1], 1, "no-address.stock.example"),
            dead,
        ],
    );
    dns.set("a.stock.example", [Record::A(HOME)]);
    dns.set("b.stock.example", [Record::A(HOME)]);
    for number in 0..4 {
        succeeds(&server, &format!("g{number}"), "http", "dns+srv://_http._tcp.stock.example/deduct").await;
    }
    let counts: Vec<usize> = branches.iter().map(|branches| branches.count("/deduct")).collect();
    assert_eq!((counts[0] + counts[1], counts[2]), (4, 0), "{counts:?}");
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
}

#[tokio::test]
async fn a_service_that_moves_is_found_again_and_one_that_does_not_exist_yet_once_it_does() {
    let (server, dns) = with_dns().await;
    let branches = GrpcBranches::start().await;
    let srv = |port| [Record::Srv { priority: 0, port, target: "a.stock.example" }];
    dns.set("a.stock.example", [Record::A(HOME)]);
    dns.set("_grpc._tcp.stock.example", srv(dead_port()));
    let url = "dns+srv://_grpc._tcp.stock.example/busi.Busi/Deduct";
    server.submit(&saga_of("moved", "grpc", url)).await;
    server.until("moved", |view| view.number("next_cron_interval") > 1).await;
    dns.set("_grpc._tcp.stock.example", srv(branches.address().port()));
    assert_eq!(server.end_of("moved").await.status(), "succeed");

    let url = "dns+srv://_grpc._tcp.late.example/busi.Busi/Deduct";
    server.submit(&saga_of("late", "grpc", url)).await;
    let view = server.until("late", |view| view.number("next_cron_interval") > 1).await;
    assert_eq!(view.status(), "submitted", "not found is no failure");
    dns.set("_grpc._tcp.late.example", srv(branches.address().port()));
    assert_eq!(server.end_of("late").await.status(), "succeed");
    assert_eq!(branches.methods(), ["Deduct", "Deduct"]);
}

#[tokio::test]
async fn a_silent_name_server_stops_neither_known_services_nor_the_rest() {
    let (server, dns) = with_dns().await;
    let branches = Branches::start().await;
    dns.set("stock.example", [Record::A(HOME)]);
    let url = format!("dns://stock.example:{}/deduct", branches.address().port());
    succeeds(&server, "before", "http", &url).await;
    dns.fall_silent();
    let unknown = saga_of("unknown", "http", "dns://pay.example:80/charge").with("request_timeout", 1);
    server.submit(&unknown).await;
    dns.asked_again().await;
    for number in 0..20 {
        succeeds(&server, &format!("known{number}"), "http", &url).await;
        succeeds(&server, &format!("plain{number}"), "http", &branches.url("/plain")).await;
    }
    let view = server.until("unknown", |view| view.number("next_cron_interval") > 1).await;
    assert_eq!(view.status(), "submitted");
}

#[tokio::test]
async fn what_no_driver_serves_is_refused_with_the_list_of_those_that_do() {
    // decision 14
    let server = Settings::default().with("DISCOVERY_SERVICES", "stock=127.0.0.1:1").start().await;
    for (url, words) in [
        (
            "nacos://stock/deduct",
            "no driver serves nacos:// URLs; served are http://, https://, static://, dns://",
        ),
        ("etcd:///stock/busi.Busi/Deduct", "no driver serves etcd://"),
        ("static://pay/deduct", "it has stock"),
        ("dns://stock/deduct", "dns://host:port/"),
    ] {
        for protocol in ["http", "grpc"] {
            let answer = server.post("submit", &saga_of("g", protocol, url)).await;
            assert_eq!(answer.status, 400, "{url}: {answer:?}");
            let message = answer.message();
            assert!(message.starts_with("steps[0].action: ") && message.contains(words), "{message}");
        }
    }
    assert!(!server.query("g").await.exists());
}
