//! Executions that are killed at random, two hundred times.

use std::time::Duration;

use futures_util::future::join_all;
use rand::Rng;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::site::{BOTH, Site, called_back, transfer};
use crate::harness::{Branches, Call, Reply, Server};

const KILLS: u64 = 200;

#[tokio::test]
async fn two_hundred_executions_that_are_killed_at_random_end_all_done_or_all_undone() {
    // invariants I3, I4, I6, I8, I12
    for over in BOTH {
        let seed: u64 = rand::random();
        println!("seed {seed}");
        let branches = Branches::deciding(decide).await;
        let server = Server::start().await;
        let site = Site::new(over).await;
        let instance = || site.instance(&server).register("transfer", transfer(&branches)).build().unwrap();
        let (dying, living) = (instance(), instance());
        let _served = site.serve(&living);
        let mut chance = StdRng::seed_from_u64(seed);
        let killed = (0..KILLS).map(|number| {
            let (dying, gid) = (dying.clone(), gid(number));
            let life = Duration::from_micros(chance.random_range(0..60_000));
            async move {
                let execution = async { dying.execute::<_, String>("transfer", &gid, &30_u32).await };
                // Dropped wherever it is then.
                drop(tokio::time::timeout(life, execution).await);
            }
        });
        join_all(killed).await;
        for number in 0..KILLS {
            let gid = gid(number);
            if server.query(&gid).await.exists() {
                called_back(&server, &gid).await;
                ended_whole(&server, &branches, &gid).await;
            } else {
                assert!(of(&branches, &gid).is_empty(), "{gid} was never begun");
            }
        }
    }
}

fn gid(number: u64) -> String {
    format!("{}{number}", if number.is_multiple_of(3) { "refused" } else { "good" })
}

fn decide(call: &Call) -> Reply {
    let refused = call.gid().starts_with("refused") && call.path == "/in";
    if refused { Reply::failure() } else { Reply::ok() }
}

/// The paths that were called for this gid.
fn of(branches: &Branches, gid: &str) -> Vec<String> {
    branches.calls().into_iter().filter(|call| call.gid() == gid).map(|call| call.path).collect()
}

async fn ended_whole(server: &Server, branches: &Branches, gid: &str) {
    let view = server.end_of(gid).await;
    let (status, rows, needed, forbidden) = if gid.starts_with("refused") {
        ("failed", "01 action, 02 action, 01 rollback", vec!["/out", "/in", "/outBack"], "Done")
    } else {
        (
            "succeed",
            "01 action, 02 action, 02 commit, 01 commit",
            vec!["/out", "/in", "/inDone", "/outDone"],
            "Back",
        )
    };
    assert_eq!((view.status(), view.row_names().join(", ").as_str()), (status, rows), "{gid}");
    let called = of(branches, gid);
    for path in needed {
        assert!(called.iter().any(|called| called == path), "{gid}: {path} is missing in {called:?}");
    }
    assert!(!called.iter().any(|called| called.ends_with(forbidden)), "{gid}: {called:?}");
}
