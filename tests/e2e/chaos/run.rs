//! One run: load, faults, peace, and what is checked then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinError;

use super::faults::{self, start_again};
use super::stage::Stage;
use crate::harness::{Branches, Place, Server};
use crate::kill::ledger::Ledger;
use crate::kill::plan::Plan;
use crate::kill::world::World;

const CLIENTS: u64 = 100;
/// After the faults every transaction has to end within this time (invariant I8).
const PEACE: Duration = Duration::from_secs(90);

#[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not '{text}'")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the machine to itself: bash tests/run.sh --chaos SECONDS"]
async fn whatever_fails_under_load_everything_acknowledged_ends_once_and_for_all() {
    let seed = given("CHAOS_SEED").unwrap_or_else(rand::random);
    let seconds = given("CHAOS_SECONDS").unwrap_or(20);
    let again = format!("CHAOS_SEED={seed} E2E_STORE={} bash tests/run.sh --chaos {seconds}", Place::store());
    println!("{again}");
    let ledger = Arc::new(Ledger::new(seed));
    let books = Arc::clone(&ledger);
    let branches = Branches::deciding(move |call| books.decide(call)).await;
    let mut stage = Stage::set().await;
    let world = Arc::new(World::troubled(stage.clients(), branches.clone(), Arc::clone(&ledger)));
    let clients: Vec<_> = (0..CLIENTS).map(|number| client(Arc::clone(&world), seed, number)).collect();
    let clients = tokio::spawn(join_all(clients));

    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut first, mut second) = (StdRng::seed_from_u64(seed), StdRng::seed_from_u64(!seed));
    let (of_servers, of_the_rest) = tokio::join!(
        faults::of_servers(&mut stage.servers, &mut first, end),
        faults::of_the_rest(&stage.outside, &mut second, end),
    );
    println!("{of_servers:?}\n{of_the_rest:?}");
    for server in &mut stage.servers {
        if !server.runs() {
            start_again(server).await; // one that could not go on, by its own rules
        }
    }
    world.is_over();
    let over = Instant::now();
    let Ok(ended) = tokio::time::timeout(PEACE, clients).await else {
        panic!("not everything has ended {PEACE:?} after the faults; repeat it: {again}");
    };
    let mut plans = Vec::new();
    for (number, of_client) in ended.expect("clients are waited for").into_iter().enumerate() {
        for (gid, plan) in of_client {
            plans.push(plan.unwrap_or_else(|error| fails(&stage.servers, &gid, &error, &again, number)));
        }
    }
    println!("the last transaction of each client has ended {:?} after the faults", over.elapsed());
    for plan in &plans {
        let (plan, gid, world) = (plan.clone(), plan.gid.clone(), Arc::clone(&world));
        let verified = tokio::spawn(async move { plan.verify(&world).await }).await;
        if let Err(error) = verified {
            fails(&stage.servers, &gid, &error, &again, 0);
        }
    }
    let acknowledged = plans.iter().filter(|plan| plan.acknowledged).count();
    let late = ledger.late_calls();
    println!("{} transactions, {acknowledged} acknowledged, {late} calls after an end", plans.len());
    assert!(acknowledged >= 50, "too little load: {acknowledged}");
}

/// Shows what concerns the transaction, and how to see it again.
fn fails(servers: &[Server], gid: &str, error: &JoinError, again: &str, client: usize) -> ! {
    for (number, server) in servers.iter().enumerate() {
        println!("--- log of server {number} about {gid} ---\n{}", server.log_of(gid));
        server.keep_quiet();
    }
    panic!("{gid} of client {client}: {error}; repeat it: {again}");
}

type Carried = (String, Result<Plan, JoinError>);

/// One transaction after the other, each up to its end.
async fn client(world: Arc<World>, seed: u64, number: u64) -> Vec<Carried> {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(1 + number));
    let mut plans = Vec::new();
    while !world.over() {
        let gid = format!("c{number}-{}", plans.len());
        let mut plan = Plan::random(&mut rng, &gid);
        let world = Arc::clone(&world);
        let mut luck = rng.clone();
        // In a task of its own, so that it is known which one fails.
        let carried = tokio::spawn(async move {
            plan.carry_out(&world, &mut luck).await;
            plan
        });
        let carried = carried.await;
        let failed = carried.is_err();
        plans.push((gid, carried));
        if failed {
            break;
        }
    }
    plans
}
