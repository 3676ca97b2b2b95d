//! The runs.

use std::time::Instant;

use tokio::join;

use super::super::banks::Addresses;
use super::ends::{all_ended, verify};
use super::process::{Mode, Told};
use super::supervisor::Supervisor;
use crate::harness::Server;

#[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
fn given<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not '{text}'")))
}

/// Kills two processes so many times in all, lets everything end, and looks at what there is. A part of the deaths has to have
/// been at each of `points`.
async fn killed(mode: Mode, points: &[&str]) {
    let (seed, kills) = (given("E2E_SEED").unwrap_or_else(rand::random), given("E2E_KILLS").unwrap_or(KILLS));
    println!("E2E_SEED={seed} E2E_KILLS={kills} {mode:?}");
    let run = format!("k{:08x}", rand::random::<u32>());
    let Some(addresses) = Addresses::make(&run).await else { return };
    let server = Server::start().await;
    let processes = [Supervisor::new(), Supervisor::new()];
    let told = |number, begins| Told {
        mode,
        run: run.clone(),
        seed,
        number,
        life: 0,
        begins,
        server: format!("http://127.0.0.1:{}", server.port()),
        sites: processes.iter().map(Supervisor::url).collect(),
        banks: addresses.clone(),
    };
    let begun = Instant::now();
    let (one, two) = join!(
        processes[0].kill(told(0, true), kills.div_ceil(2)),
        processes[1].kill(told(1, true), kills / 2)
    );
    let diary = one.with(two);
    let killing = begun.elapsed();
    println!(
        "{} kills in {killing:.1?}, {} of them hit something: {:#?}",
        diary.kills, diary.hits, diary.points
    );

    let _serving = [processes[0].serve(&told(0, false)), processes[1].serve(&told(1, false))];
    let ends = all_ended(&server, &diary).await;
    println!("all have ended after {:.1?} more", begun.elapsed() - killing);
    let counts = verify(mode, &diary, &ends, &addresses.open().await, &run).await;
    println!("{} begun, {counts:?}, {:.1?} in all", diary.words.len(), begun.elapsed());

    assert!(
        diary.hits * 10 >= diary.kills * 9,
        "too many kills hit nothing: {} of {}",
        diary.hits,
        diary.kills
    );
    for point in points {
        assert!(diary.at(point) * 40 >= diary.kills, "too few died at '{point}': {:?}", diary.points);
    }
    // Somebody who dies between two tries leaves nothing that could go forward.
    let goes_forward = mode == Mode::Message || mode == Mode::Workflow;
    let both = counts.taken_back > 0 && (counts.found_out > 0 || !goes_forward);
    assert!(both && counts.succeeded > 0, "it shows too little: {counts:?}");
    addresses.remove().await;
}

const KILLS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the machine to itself: bash tests/run.sh --kills"]
async fn a_message_is_sent_if_and_only_if_its_local_transaction_committed_whenever_the_application_dies() {
    // invariants I3, I7, I8, I9
    killed(Mode::Message, &["client in-the-business", "client committing", "in:action"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the machine to itself: bash tests/run.sh --kills"]
async fn a_tcc_is_confirmed_or_cancelled_as_a_whole_whenever_the_application_dies() {
    // invariants I3, I4, I8, I9
    killed(Mode::Tcc, &["client trying", "out:try", "in:try"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the machine to itself: bash tests/run.sh --kills"]
async fn xa_is_committed_or_rolled_back_as_a_whole_whenever_the_application_dies() {
    // invariants I3, I4, I8, I9, I10
    killed(Mode::Xa, &["client calling", "out:action committing", "in:action"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the machine to itself: bash tests/run.sh --kills"]
async fn a_workflow_does_each_step_once_whenever_the_application_dies() {
    // invariants I3, I4, I8, I9, I12
    killed(Mode::Workflow, &["function step-1", "function step-2", "out:action", "fee:action"]).await;
}
