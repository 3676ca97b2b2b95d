//! One run: load, faults, peace, and what is checked then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::Semaphore;

use super::client::{Carried, client};
use super::evidence::Evidence;
use super::faults::{self, start_again};
use super::field::{Field, PEACE};
use super::stage::{BRANCHES, Stage, size};
use crate::harness::{Place, Server};
use crate::kill::ledger::Ledger;
use crate::kill::world::World;

const CLIENTS: u64 = 200;
/// Who looks again and again at what has begun and ended.
const WATCHERS: usize = 4;
/// Transactions that are looked at through every server at the end.
const LOOKS: usize = 3_000;

#[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not '{text}'")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the machine to itself: bash tests/run.sh --chaos SECONDS"]
async fn whatever_fails_under_load_everything_acknowledged_ends_once_and_for_all() {
    // invariants I1, I2, I3, I4, I8, I9, I11
    let seed = given("CHAOS_SEED").unwrap_or_else(rand::random);
    let seconds = given("CHAOS_SECONDS").unwrap_or(20);
    let again = format!("CHAOS_SEED={seed} E2E_STORE={} bash tests/run.sh --chaos {seconds}", Place::store());
    println!("{again}");
    let (ledger, evidence) = (Arc::new(Ledger::new(seed)), Arc::new(Evidence::new(size())));
    let mut stage = Stage::set(&ledger, &evidence).await;
    let shown = Arc::clone(&evidence);
    let seen = move |gid: &str, asked: tokio::time::Instant, view: &_| {
        shown.shown(gid, "of any number", asked.into_std(), view);
    };
    let world = World::troubled(stage.clients(), BRANCHES, ledger, seen);
    let field = Arc::new(Field { servers: stage.clients(), world, evidence });
    let clients: Vec<_> = (0..CLIENTS).map(|number| client(Arc::clone(&field), seed, number)).collect();
    let clients = tokio::spawn(join_all(clients));
    let mut watchers = tokio::task::JoinSet::new();
    for _ in 0..WATCHERS {
        let field = Arc::clone(&field);
        watchers.spawn(async move { field.watch().await });
    }
    let machine = Arc::clone(&field);
    watchers.spawn(async move { machine.evidence.watch_the_machine().await });

    let begun = Instant::now();
    let happened = trouble(&mut stage, &field, seed, begun + Duration::from_secs(seconds)).await;
    println!("{happened}");
    field.world.is_over();
    let over = Instant::now();
    let peace = async {
        let ended = clients.await.expect("clients are waited for");
        ended.into_iter().flatten().collect::<Vec<Carried>>()
    };
    let ended = tokio::select! {
        ended = tokio::time::timeout(PEACE, peace) => ended.ok(),
        () = field.evidence.until(over + 2 * PEACE) => None,
    };
    if ended.is_some() {
        println!("the last transaction of each client has ended {:?} after the faults", over.elapsed());
    }
    let ended = ended.unwrap_or_else(|| fails(&stage.servers, &field, &again, begun));
    verify(&field, &ended).await;
    if field.evidence.violation().is_some() {
        fails(&stage.servers, &field, &again, begun);
    }
    let acknowledged = ended.iter().filter(|it| it.is_acknowledged()).count();
    println!("{acknowledged} transactions acknowledged; {}", field.evidence.numbers());
    assert!(acknowledged >= 50, "too little load: {acknowledged}");
}

/// Everything that goes wrong, until `end` or until something was seen that may never be seen. All servers run then.
async fn trouble(stage: &mut Stage, field: &Field, seed: u64, end: Instant) -> String {
    let others = Semaphore::new((stage.servers.len() - 1).max(1));
    let servers = stage.servers.iter_mut().enumerate().map(async |(number, server)| {
        let seed = seed.wrapping_add(1 << 32).wrapping_add(number as u64);
        let mut rng = StdRng::seed_from_u64(seed);
        faults::of_server(number, server, &field.evidence, &others, &mut rng, end).await
    });
    let mut rng = StdRng::seed_from_u64(!seed);
    let rest = faults::of_the_rest(&stage.outside, &field.evidence, &mut rng, end);
    let (of_servers, of_the_rest) = tokio::join!(join_all(servers), rest);
    for server in &mut stage.servers {
        if !server.runs() {
            start_again(server).await; // one that could not go on, by its own rules
        }
    }
    format!("{of_servers:?}\n{of_the_rest:?}")
}

/// Looks at everything once more, and at much of it through every server.
async fn verify(field: &Arc<Field>, ended: &[Carried]) {
    for it in ended {
        if field.evidence.violation().is_some() {
            return;
        }
        let looked = std::panic::AssertUnwindSafe(it.verify(field));
        if let Err(panic) = futures_util::FutureExt::catch_unwind(looked).await {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            field.evidence.violates(it.gid(), text);
        }
    }
    let step = ended.len().div_ceil(LOOKS).max(1);
    stream::iter(ended.iter().step_by(step))
        .for_each_concurrent(16, async |it| field.look_everywhere(it.gid()).await)
        .await;
}

/// Shows what concerns the transaction, and how to see it again.
fn fails(servers: &[Server], field: &Field, again: &str, begun: Instant) -> ! {
    let (gid, what) = field.evidence.violation().unwrap_or_else(|| {
        let open = field.evidence.open();
        (
            open.first().cloned().unwrap_or_default(),
            format!("not all have ended {PEACE:?} after the faults: {open:?}"),
        )
    });
    println!(
        "--- what was seen of {gid}, in seconds since the beginning ---\n{}",
        field.evidence.history(&gid)
    );
    for (number, server) in servers.iter().enumerate() {
        println!("--- log of server {number} about {gid} ---\n{}", server.log_of(&gid));
        println!("--- the end of its log ---\n{}", server.end_of_log(6));
        server.keep_quiet();
    }
    println!("{}", field.evidence.numbers());
    panic!("{gid}, {:?} after the beginning: {what}; repeat it: {again}", begun.elapsed());
}
