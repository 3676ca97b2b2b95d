//! What happens to servers, database and network.

use std::time::{Duration, Instant};

use dtm_testkit::outside::Answers;
use rand::Rng;
use rand::rngs::StdRng;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::evidence::Evidence;
use super::stage::Outside;
use crate::harness::{PATIENCE, Server};

/// How often what has happened.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) kills: usize,
    pub(super) pauses: usize,
    /// Pauses after which the others take the server for dead.
    pub(super) long_pauses: usize,
    pub(super) crashes_of_the_database: usize,
    pub(super) silences: usize,
    pub(super) losses: usize,
    pub(super) delays: usize,
}

fn moment(rng: &mut StdRng, milliseconds: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.random_range(milliseconds))
}

/// Kills one server and lets it stand still until `end`; it runs then. `others` has as many permits as servers may be
/// in trouble at the same time.
pub(super) async fn of_server(
    number: usize,
    server: &mut Server,
    evidence: &Evidence,
    others: &Semaphore,
    rng: &mut StdRng,
    end: Instant,
) -> Happened {
    let mut happened = Happened::default();
    loop {
        evidence.until(end.min(Instant::now() + moment(rng, 200..3_000))).await;
        let turn = others.acquire().await.expect("it is never closed");
        if Instant::now() >= end || evidence.violation().is_some() {
            return happened;
        }
        if rng.random_ratio(4, 10) {
            happened.kills += 1;
            server.kill().await;
            if rng.random() {
                sleep(moment(rng, 0..5_000)).await; // long enough to be taken for dead now and then
            }
            start_again(server).await;
        } else {
            let long = rng.random_ratio(6, 10);
            *(if long { &mut happened.long_pauses } else { &mut happened.pauses }) += 1;
            evidence.stands_still(number, true);
            server.pause().await;
            // A server counts as dead after 3 s, and is looked for by the others every half second.
            sleep(moment(rng, if long { 3_300..7_000 } else { 100..2_500 })).await;
            server.go_on().await;
            evidence.stands_still(number, false);
        }
        drop(turn);
    }
}

/// A server may end instead of starting while its database is down.
pub(super) async fn start_again(server: &mut Server) {
    let begun = Instant::now();
    while !server.try_restart().await {
        assert!(begun.elapsed() < 4 * PATIENCE, "a server does not start any more");
        sleep(Duration::from_millis(200)).await;
    }
}

/// Kills the database and disturbs the network until `end`; all is well then.
pub(super) async fn of_the_rest(
    outside: &Outside,
    evidence: &Evidence,
    rng: &mut StdRng,
    end: Instant,
) -> Happened {
    let mut happened = Happened::default();
    let Some(database) = &outside.database else { return happened };
    while Instant::now() < end && evidence.violation().is_none() {
        sleep(moment(rng, 200..2_000)).await;
        let network = &outside.networks[rng.random_range(0..outside.networks.len())];
        match rng.random_range(0..10) {
            0 => {
                happened.crashes_of_the_database += 1;
                database.kill();
                database.start().await;
            }
            1..4 => {
                happened.silences += 1;
                network.set(Answers::Silence);
                sleep(moment(rng, 50..4_000)).await;
            }
            4..8 => {
                happened.losses += 1;
                network.set(Answers::Lose);
                sleep(moment(rng, 5..200)).await;
            }
            _ => {
                happened.delays += 1;
                network.set(Answers::Late(moment(rng, 5..300)));
                sleep(moment(rng, 200..2_000)).await;
            }
        }
        network.set(Answers::Pass);
    }
    happened
}
