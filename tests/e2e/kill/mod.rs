//! `kill -9` of the server at 20 random moments under the load of 50 clients (issue, "Done when" 2).
//!
//! | file | idea |
//! |---|---|
//! | `plan` | what one client wants of one transaction |
//! | `ledger` | the branch service's books: each effect behind a barrier, and who called whom when |
//! | `world` | what the clients share: the server, whether it is up, whether it is over |

pub(crate) mod ledger;
pub(crate) mod plan;
pub(crate) mod world;

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::harness::{Branches, Settings, With, saga};
use ledger::Ledger;
use plan::Plan;
use world::World;

const KILLS: usize = 20;
const CLIENTS: u64 = 50;

/// At least so many transactions are acknowledged between two kills, however slow the machine or the store.
const LOAD: usize = 25;

/// Repeat a run with `E2E_SEED=<the number that it printed>`.
fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
    let given = std::env::var("E2E_SEED").ok();
    given.map_or_else(rand::random, |text| text.parse().expect("E2E_SEED is a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_twenty_kills_under_load_everything_acknowledged_has_ended_once_and_for_all() {
    let seed = seed();
    println!("E2E_SEED={seed}");
    let ledger = Arc::new(Ledger::new(seed));
    let books = Arc::clone(&ledger);
    let branches = Branches::deciding(move |call| books.decide(call)).await;
    // Under the same name a server takes up at once what it was driving before it died.
    let mut server = Settings::default().with("DTM_NODE_NAME", "killed").start().await;
    let world = Arc::new(World::new(server.client().clone(), &branches, Arc::clone(&ledger)));
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| tokio::spawn(client(Arc::clone(&world), seed, number))).collect();

    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..KILLS {
        let enough = world.acknowledged() + LOAD;
        tokio::time::sleep(Duration::from_millis(rng.random_range(100..1_500))).await;
        world.has_load(enough).await;
        world.goes_down();
        server.kill().await;
        branches.drained().await;
        server.restart().await;
        world.is_up();
    }
    world.is_over();
    let mut plans = Vec::new();
    for client in clients {
        plans.extend(client.await.expect("a client of this test does not panic"));
    }
    for plan in &plans {
        plan.verify(&world).await;
    }
    ledger.assert_no_late_calls();
    let acknowledged = plans.iter().filter(|plan| plan.acknowledged).count();
    println!("{KILLS} kills, {} transactions, {acknowledged} acknowledged", plans.len());
    assert!(acknowledged >= KILLS * LOAD, "too little load: {acknowledged}");

    // And nothing is called again after a last, orderly restart.
    assert_eq!(server.stop().await.status.code(), Some(0));
    server.restart().await;
    let calls = branches.calls().len();
    server.submit(&saga("marker", &branches, 1).with("payloads", vec!["{}"])).await;
    assert_eq!(server.end_of("marker").await.status(), "succeed");
    let mut later: Vec<_> = branches.calls().drain(calls..).map(|call| call.gid()).collect();
    // What was given up half-way waits for its client up to its time-out, which may be over by now.
    later.retain(|gid| !plans.iter().any(|plan| plan.gid == *gid && plan.may_wait_for_its_client()));
    assert!(later.iter().all(|gid| gid == "marker"), "{later:?}");
    ledger.assert_no_late_calls();
}

/// One transaction after the other, each up to its end.
async fn client(world: Arc<World>, seed: u64, number: u64) -> Vec<Plan> {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(1 + number));
    let mut plans = Vec::new();
    while !world.over() {
        let mut plan = Plan::random(&mut rng, &format!("c{number}-{}", plans.len()));
        plan.carry_out(&world, &mut rng).await;
        plans.push(plan);
    }
    plans
}
