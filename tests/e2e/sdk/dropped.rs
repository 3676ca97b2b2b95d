//! Clients that go away at any moment: to the server, a dropped future is a process that died.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dtm_client::branch::BranchError;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::tcc::branch;
use super::world::{Protocol, World};
use crate::harness::{Branches, Call, Reply, Server};

const COUNT: usize = 200;

/// Every fourth client stays to the end, the others go away after a while that is drawn.
fn lifetime(number: usize) -> Duration {
    if number.is_multiple_of(4) {
        Duration::from_secs(60)
    } else {
        Duration::from_micros(rand::random_range(0..500_000))
    }
}

/// How often each path was called for each gid.
fn counts(calls: Vec<Call>) -> HashMap<(String, String), usize> {
    let mut counts = HashMap::new();
    for call in calls {
        *counts.entry((call.gid(), call.path)).or_insert(0) += 1;
    }
    counts
}

/// The status in which each transaction ends; empty for those that were not even prepared.
async fn ends(server: &Server) -> Vec<(String, String)> {
    let ends = (0..COUNT).map(|number| async move {
        let gid = format!("g{number}");
        if !server.query(&gid).await.exists() {
            return (gid, String::new());
        }
        let status = server.end_of(&gid).await.status().to_owned();
        (gid, status)
    });
    join_all(ends).await
}

fn assert_both_ways(ends: &[(String, String)]) {
    for status in ["succeed", "failed"] {
        let count = ends.iter().filter(|(_, end)| end == status).count();
        println!("{count} {status}");
        assert!(count > 0, "the test shows nothing: none has {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_tcc_is_confirmed_or_cancelled_as_a_whole_whenever_its_client_goes_away() {
    // I1, I3, I4, I6
    let world = World::start(Protocol::Http).await;
    let client = world.client();
    let clients = (0..COUNT).map(|number| {
        let (client, world) = (&client, &world);
        async move {
            let tcc = client.tcc(format!("g{number}")).timeout_to_fail(Duration::from_secs(2));
            let run = tcc.run(async |tcc| {
                branch(&tcc, world, 1).call(&1).await?;
                branch(&tcc, world, 2).call(&1).await?;
                Ok(())
            });
            timeout(lifetime(number), run).await.ok();
        }
    });
    join_all(clients).await;
    let ends = ends(&world.server).await;
    let counts = counts(world.http.calls());
    for (gid, status) in &ends {
        let count = |path: &str| counts.get(&(gid.clone(), path.to_owned())).copied().unwrap_or(0);
        let (tries, confirms, cancels) = (
            [count("/try1"), count("/try2")],
            [count("/confirm1"), count("/confirm2")],
            [count("/cancel1"), count("/cancel2")],
        );
        match status.as_str() {
            "succeed" => assert_eq!((tries, confirms, cancels), ([1, 1], [1, 1], [0, 0]), "{gid}"),
            "failed" => {
                assert_eq!(confirms, [0, 0], "{gid}");
                assert!(tries[0] <= cancels[0] && tries[1] <= cancels[1], "{gid}: {tries:?} {cancels:?}");
            }
            "" => assert_eq!((tries, confirms, cancels), ([0, 0], [0, 0], [0, 0]), "{gid}"),
            other => panic!("{gid}: {other}"),
        }
    }
    assert_both_ways(&ends);
}

/// What a barrier table would hold: whether the local transaction of a message committed, or never will.
type Ledger = Arc<Mutex<HashMap<String, bool>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_is_sent_if_and_only_if_its_local_transaction_committed_whenever_its_client_goes_away() {
    // I1, I7
    let server = Server::start().await;
    let ledger = Ledger::default();
    let asked = Arc::clone(&ledger);
    let branches = Branches::deciding(move |call| match call.path.as_str() {
        "/query" => match *asked.lock().entry(call.gid()).or_insert(false) {
            true => Reply::ok(),
            false => Reply::failure(),
        },
        _ => Reply::ok(),
    });
    let branches = branches.await;
    let client = dtm_client::Client::http(&format!("http://127.0.0.1:{}", server.port())).unwrap();
    let clients = (0..COUNT).map(|number| {
        let (client, branches, ledger) = (&client, &branches, &ledger);
        async move {
            let gid = format!("g{number}");
            let message = client.message(&*gid).step(branches.url("/mail"), &1);
            let sent = message.timeout_to_fail(Duration::from_secs(2)).do_and_submit(
                branches.url("/query"),
                async |_| {
                    let commit = || *ledger.lock().entry(gid.clone()).or_insert(true);
                    if !commit() {
                        return Err(BranchError::roll_back("the back-check was faster"));
                    }
                    // half of them never learn that it has committed
                    tokio::time::sleep(Duration::from_millis(if number % 2 == 0 { 0 } else { 200 })).await;
                    Ok(())
                },
            );
            timeout(lifetime(number), sent).await.ok();
        }
    });
    join_all(clients).await;
    let ends = ends(&server).await;
    let counts = counts(branches.calls());
    for (gid, status) in &ends {
        let has_committed = ledger.lock().get(gid).copied().unwrap_or(false);
        let mails = counts.get(&(gid.clone(), "/mail".to_owned())).copied().unwrap_or(0);
        let expected =
            if has_committed { ("succeed", 1) } else { (if status.is_empty() { "" } else { "failed" }, 0) };
        assert_eq!((status.as_str(), mails), expected, "{gid}");
    }
    let is_found_out = |gid: &String| counts.contains_key(&(gid.clone(), "/query".to_owned()));
    let found_out = ends.iter().filter(|(gid, status)| status == "succeed" && is_found_out(gid)).count();
    println!("{found_out} had committed, and the back-check found it out");
    assert_both_ways(&ends);
}
