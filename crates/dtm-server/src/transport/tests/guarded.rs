//! Bulkhead and breaker around a transport.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::{Outcome, Seconds};

use super::fixtures::{Server, answer, call, cause, config, headers, transport};
use crate::config::TransportConfig;
use crate::transport::{Attempt, BreakerCounts, Contact, Guarded, Refusals, Transport};

fn retry(url: &str) -> BranchCall {
    BranchCall { retry: true, ..call(url) }
}

/// Does what the URL's path says, and counts what is under way.
#[derive(Debug, Default)]
struct Scripted {
    under_way: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait::async_trait]
impl Transport for Scripted {
    async fn attempt(&self, call: &BranchCall, _: &BTreeMap<String, String>, limit: Duration) -> Attempt {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(under_way, Ordering::SeqCst);
        let unknown = || Outcome::Unknown { cause: String::new() };
        let attempt = match call.url.rsplit_once('/').unwrap().1 {
            "ok" => Attempt { outcome: Outcome::Success, contact: Contact::Answered },
            "dead" => Attempt { outcome: unknown(), contact: Contact::NotReached },
            _hang => {
                tokio::time::sleep(limit).await;
                Attempt { outcome: unknown(), contact: Contact::TimedOut }
            }
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        attempt
    }
}

fn guarded() -> Arc<Guarded<Scripted>> {
    Arc::new(Guarded::new(Scripted::default(), &config()))
}

async fn spawn_many(guarded: &Arc<Guarded<Scripted>>, count: usize, branch: BranchCall) -> JoinSet<Outcome> {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let (guarded, branch) = (Arc::clone(guarded), branch.clone());
        calls.spawn(async move { guarded.call(&branch, &headers([])).await });
    }
    tokio::task::yield_now().await;
    calls
}

#[tokio::test(start_paused = true)]
async fn at_most_64_retries_are_under_way_to_a_destination_and_the_rest_is_not_sent() {
    let guarded = guarded();
    let started = Instant::now();
    let outcomes = spawn_many(&guarded, 1_000, retry("http://a/hang")).await.join_all().await;
    assert_eq!(guarded.inner().most.load(Ordering::SeqCst), 64);
    let not_sent = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::NotSent { .. })).count();
    assert_eq!(not_sent, 1_000 - 64);
    assert_eq!(guarded.refusals(), Refusals { by_breaker: 0, by_bulkhead: 936 });
    assert_eq!(started.elapsed(), Duration::from_secs(3), "nobody waits for longer than its time-out");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_hanging_retries_delay_neither_first_calls_nor_other_destinations() {
    let guarded = guarded();
    let hanging = spawn_many(&guarded, 1_000, retry("http://a/hang")).await;
    let started = Instant::now();
    for branch in [call("http://a/ok"), retry("http://b/ok"), retry("https://a/ok"), retry("http://a:81/ok")]
    {
        assert_eq!(guarded.call(&branch, &headers([])).await, Outcome::Success);
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    drop(hanging);
}

#[tokio::test(start_paused = true)]
async fn a_retry_gets_what_is_left_of_its_time_out_after_the_wait() {
    let guarded = Arc::new(Guarded::new(
        Scripted::default(),
        &TransportConfig { retries_per_destination: 1, ..config() },
    ));
    let mut short = retry("http://a/hang");
    short.timeout = Seconds::new(1);
    let first = spawn_many(&guarded, 1, short).await;
    let started = Instant::now();
    let outcome = guarded.call(&retry("http://a/hang"), &headers([])).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "it was sent");
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_retry_gives_its_permit_back() {
    let guarded = guarded();
    drop(spawn_many(&guarded, 64, retry("http://a/hang")).await);
    tokio::task::yield_now().await;
    assert_eq!(guarded.call(&retry("http://a/ok"), &headers([])).await, Outcome::Success);
}

#[tokio::test(start_paused = true)]
async fn a_dead_destination_is_left_alone_until_a_probe_is_answered() {
    let guarded = guarded();
    for _ in 0..16 {
        assert!(matches!(guarded.call(&call("http://a/dead"), &headers([])).await, Outcome::Unknown { .. }));
    }
    assert_eq!(guarded.breakers(), BreakerCounts { closed: 0, open: 1, half_open: 0 });
    let outcome = guarded.call(&call("http://a/ok"), &headers([])).await;
    assert_eq!(
        outcome,
        Outcome::NotSent { cause: "http://a does not answer: waiting until it is back".into() }
    );
    assert!(matches!(guarded.call(&retry("http://a/ok"), &headers([])).await, Outcome::NotSent { .. }));
    assert_eq!(guarded.refusals(), Refusals { by_breaker: 2, by_bulkhead: 0 });
    assert_eq!(guarded.call(&call("http://b/ok"), &headers([])).await, Outcome::Success);

    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(guarded.breakers(), BreakerCounts { closed: 1, open: 0, half_open: 1 });
    let probe = spawn_many(&guarded, 1, call("http://a/hang")).await;
    assert!(matches!(guarded.call(&call("http://a/ok"), &headers([])).await, Outcome::NotSent { .. }));
    drop(probe);
    tokio::task::yield_now().await;
    assert_eq!(guarded.call(&call("http://a/ok"), &headers([])).await, Outcome::Success, "the next probe");
    assert_eq!(guarded.breakers(), BreakerCounts { closed: 2, open: 0, half_open: 0 });
    assert_eq!(guarded.call(&retry("http://a/ok"), &headers([])).await, Outcome::Success);
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_hangs_never_keeps_first_calls_from_its_neighbours() {
    let guarded = guarded();
    for _ in 0..10 {
        spawn_many(&guarded, 1_000, call("http://a/hang")).await.join_all().await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(guarded.call(&call("http://a/ok"), &headers([])).await, Outcome::Success);
        assert_eq!(guarded.breakers().closed, 1);
    }
}

#[tokio::test]
async fn over_real_sockets_a_thousand_hanging_retries_do_not_delay_a_first_call() {
    let server = Server::start(|mut peer| async move {
        while let Some(line) = peer.request().await {
            if line.contains("/hang") {
                return std::future::pending().await;
            }
            peer.stream.write_all(answer("200 OK", "").as_bytes()).await.unwrap();
        }
    })
    .await;
    let guarded = Arc::new(Guarded::new(transport(), &config()));
    let mut hanging = JoinSet::new();
    for _ in 0..1_000 {
        let guarded = Arc::clone(&guarded);
        let branch = BranchCall { timeout: Seconds::new(60), ..retry(&server.url("/hang")) };
        hanging.spawn(async move { guarded.call(&branch, &headers([])).await });
    }
    while guarded.inner().calls() < 64 {
        tokio::task::yield_now().await;
    }
    let first = BranchCall { timeout: Seconds::new(60), ..call(&server.url("/ok")) };
    let started = Instant::now();
    assert_eq!(guarded.call(&first, &headers([])).await, Outcome::Success);
    // those in the queue wait for 30 s
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(hanging.try_join_next().is_none());
    assert_eq!(guarded.inner().calls(), 65, "the bulkhead holds");
}

#[tokio::test]
async fn over_real_sockets_refused_connections_open_the_breaker() {
    let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let guarded = Guarded::new(transport(), &config());
    let branch = call(&format!("http://{address}/a"));
    for _ in 0..16 {
        assert!(cause(&guarded.call(&branch, &headers([])).await).contains("could not connect"));
    }
    assert!(matches!(guarded.call(&branch, &headers([])).await, Outcome::NotSent { .. }));
    assert_eq!(guarded.inner().calls(), 16);
}
