//! The web hook over real sockets.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use dtm_core::coordinator::Alert;
use dtm_core::model::{Gid, Status};

use super::{AlertSender, AlertTask, start};
use crate::config::AlertConfig;
use crate::metrics::Metrics;
use crate::transport::tests::fixtures::{Server, answer};

const LONG: Duration = Duration::from_secs(60);

fn alert(gid: &str) -> Alert {
    Alert {
        gid: Gid::parse(gid).unwrap(),
        status: Status::Submitted,
        url: "http://stock/deduct".into(),
        error: "no answer within 3 s".to_owned(),
        retry_count: 3,
    }
}

fn hooked(url: String, metrics: &Metrics) -> (AlertSender, AlertTask) {
    let config = AlertConfig { web_hook: Some(url), queue_max: 4, timeout: Duration::from_millis(200) };
    start(&config, metrics).unwrap()
}

fn count(metrics: &Metrics, result: &str) -> u64 {
    let text = metrics.render();
    let name = format!("dtm_alerts_total{{result=\"{result}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn an_alert_is_posted_as_dtms_json() {
    // behaviour 92, decision 9
    let mut server = Server::answering(answer("200 OK", "")).await;
    let metrics = Metrics::new();
    let (sender, task) = hooked(server.url("/hook?key=x"), &metrics);
    sender.send(alert("order 47"));
    task.stop(LONG).await;

    let request = server.next();
    assert_eq!(request.line(), "POST /hook?key=x HTTP/1.1");
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        r#"{"gid":"order 47","status":"submitted","branch":"http://stock/deduct","error":"no answer within 3 s","retry_count":3}"#
    );
    assert_eq!(count(&metrics, "sent"), 1);
}

#[tokio::test]
async fn the_answer_of_the_hook_is_ignored() {
    // behaviour 92
    let mut server = Server::answering(answer("500 Oops", "FAILURE")).await;
    let metrics = Metrics::new();
    let (sender, task) = hooked(server.url("/hook"), &metrics);
    sender.send(alert("a"));
    task.stop(LONG).await;
    server.next();
    assert!(server.received.try_recv().is_err(), "posted once");
    assert_eq!(count(&metrics, "sent"), 1);
}

#[tokio::test]
async fn a_hook_that_does_not_answer_is_tried_three_times_and_then_given_up() {
    let mut server = Server::start(|mut peer| async move {
        peer.request().await.unwrap();
    })
    .await;
    let metrics = Metrics::new();
    let (sender, task) = hooked(server.url("/hook"), &metrics);
    sender.send(alert("a"));
    task.stop(LONG).await;
    for _ in 0..3 {
        server.next();
    }
    assert!(server.received.try_recv().is_err());
    assert_eq!((count(&metrics, "sent"), count(&metrics, "failed")), (0, 1));
}

#[tokio::test]
async fn a_hook_that_comes_back_gets_the_alert() {
    let mut server = Server::start(|mut peer| async move {
        if peer.connection > 0 {
            peer.request().await.unwrap();
            peer.stream.write_all(answer("200 OK", "").as_bytes()).await.unwrap();
        }
    })
    .await;
    let metrics = Metrics::new();
    let (sender, task) = hooked(server.url("/hook"), &metrics);
    sender.send(alert("a"));
    task.stop(LONG).await;
    assert_eq!(server.next().connection, 1);
    assert_eq!((count(&metrics, "sent"), count(&metrics, "failed")), (1, 0));
}

#[tokio::test]
async fn a_hook_that_hangs_delays_nobody_and_costs_bounded_memory() {
    // defect M10, S5
    let mut server = Server::start(|mut peer| async move {
        peer.request().await.unwrap();
        std::future::pending().await
    })
    .await;
    let metrics = Metrics::new();
    let (sender, task) = hooked(server.url("/hook"), &metrics);
    sender.send(alert("first"));
    server.received.recv().await.unwrap();

    let started = Instant::now();
    for n in 0..1_000 {
        sender.send(alert(&format!("g{n}")));
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(count(&metrics, "dropped"), 996, "four wait");

    let started = Instant::now();
    task.stop(Duration::from_millis(100)).await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    sender.send(alert("late"));
    assert_eq!(count(&metrics, "dropped"), 997);
}

#[tokio::test]
async fn an_alert_that_waits_is_posted_before_the_end() {
    let mut server = Server::answering(answer("200 OK", "")).await;
    let (sender, task) = hooked(server.url("/hook"), &Metrics::new());
    for gid in ["a", "b", "c"] {
        sender.send(alert(gid));
    }
    task.stop(LONG).await;
    for gid in ["a", "b", "c"] {
        assert!(server.next().body.starts_with(format!("{{\"gid\":\"{gid}\"").as_bytes()));
    }
}

#[tokio::test]
async fn a_long_error_is_cut() {
    let mut server = Server::answering(answer("200 OK", "")).await;
    let (sender, task) = hooked(server.url("/hook"), &Metrics::new());
    sender.send(Alert { error: "x".repeat(1_000_000), ..alert("a") });
    task.stop(LONG).await;
    assert!(server.next().body.len() < 5_000);
}

#[tokio::test]
async fn without_a_hook_nothing_happens() {
    let metrics = Metrics::new();
    for web_hook in [None, Some(String::new())] {
        let (sender, task) = start(&AlertConfig { web_hook, ..AlertConfig::default() }, &metrics).unwrap();
        sender.send(alert("a"));
        task.stop(Duration::ZERO).await;
    }
    assert_eq!((count(&metrics, "sent"), count(&metrics, "failed"), count(&metrics, "dropped")), (0, 0, 0));
}

#[tokio::test]
async fn a_hook_that_cannot_be_called_stops_the_start_without_showing_its_url() {
    // decision 24, 29
    for url in ["hooks.example/secret", "ftp://hooks.example/secret"] {
        let config = AlertConfig { web_hook: Some(url.to_owned()), ..AlertConfig::default() };
        let error = start(&config, &Metrics::new()).unwrap_err().to_string();
        assert!(error.contains("http://") && !error.contains("secret"), "{error}");
    }
}
