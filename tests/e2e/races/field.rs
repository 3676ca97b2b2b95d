//! Server, branch service and books of one race, and how its rounds are run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::Books;
use crate::harness::{Branches, Call, Client, Reply, Server};

/// Rounds of each race; more by `E2E_RACES=<number>`.
const ROUNDS: usize = 2_000;
/// Rounds at the same time.
const AT_ONCE: usize = 32;

/// Where a race takes place.
pub(super) struct Field {
    server: Server,
    pub(super) branches: Branches,
    pub(super) books: Arc<Books>,
    /// How often each side has won.
    wins: [AtomicUsize; 2],
    seed: u64,
}

/// Where the pauses of one round come from.
pub(super) struct Luck(Mutex<StdRng>);

impl Field {
    /// A field whose branch service answers as `decide` says, each time after up to 3 ms.
    pub(super) async fn new(decide: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let seed = number_of("E2E_SEED").unwrap_or_else(rand::random);
        println!("E2E_SEED={seed}");
        let books = Arc::new(Books::new());
        let (entered, luck) = (Arc::clone(&books), Luck::of(seed, 0));
        let answers = move |call: &Call| entered.enter(call, decide(call), luck.millis(3));
        let branches = Branches::deciding(answers).await;
        Self { server: Server::start().await, branches, books, wins: Default::default(), seed }
    }

    pub(super) fn client(&self) -> &Client {
        self.server.client()
    }

    /// Runs `round` with the numbers 0, 1, 2, ..., some at the same time, and then looks into the books.
    pub(super) async fn run<'a, F: Future<Output = ()>>(&'a self, round: impl Fn(String, Luck) -> F + 'a) {
        self.run_many(AT_ONCE, round).await;
    }

    /// As [`Field::run`], with so many at the same time: for rounds that mostly wait.
    pub(super) async fn run_many<'a, F: Future<Output = ()>>(
        &'a self,
        at_once: usize,
        round: impl Fn(String, Luck) -> F + 'a,
    ) {
        let all = (0..rounds()).map(|number| round(gid_of(number), Luck::of(self.seed, number + 1)));
        stream::iter(all).buffer_unordered(at_once).collect::<Vec<()>>().await;
        let violations = self.books.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// One side has won a round.
    pub(super) fn won(&self, first: bool) {
        self.wins[usize::from(first)].fetch_add(1, Ordering::Relaxed);
    }

    /// A race that always has the same winner is none.
    pub(super) fn assert_both_have_won(&self) {
        let [second, first] = self.wins.each_ref().map(|wins| wins.load(Ordering::Relaxed));
        println!("{first} rounds were won by the first, {second} by the second");
        assert!(first + second < ROUNDS || (first > 0 && second > 0), "{first} and {second}");
    }

    /// A TCC or XA that is prepared, with so many branches, each confirmed and cancelled at `/b`.
    pub(super) async fn prepared(&self, body: &Value, branches: usize) {
        self.client().accepts("prepare", body).await;
        for number in 1..=branches {
            self.client().accepts("registerBranch", &self.branch(body, number)).await;
        }
    }

    /// The registration of branch `number`.
    pub(super) fn branch(&self, body: &Value, number: usize) -> Value {
        let url = self.branches.url("/b");
        json!({
            "gid": body["gid"], "trans_type": body["trans_type"], "branch_id": format!("{number:02}"),
            "confirm": url, "cancel": url, "url": url, "data": "{}",
        })
    }
}

impl Luck {
    fn of(seed: u64, round: usize) -> Self {
        let round = u64::try_from(round).expect("there are not that many rounds");
        Self(Mutex::new(StdRng::seed_from_u64(seed.wrapping_add(round.wrapping_mul(0x9E37_79B9_7F4A_7C15)))))
    }

    /// A span from nothing to `max` milliseconds; nothing in a third of the cases.
    pub(super) fn millis(&self, max: u64) -> Duration {
        let mut rng = self.0.lock();
        if rng.random_range(0..3) == 0 {
            return Duration::ZERO;
        }
        Duration::from_micros(rng.random_range(0..=max * 1_000))
    }

    /// Lets up to `max` milliseconds pass.
    pub(super) async fn pause(&self, max: u64) {
        let pause = self.millis(max);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    pub(super) fn below(&self, bound: usize) -> usize {
        self.0.lock().random_range(0..bound)
    }
}

/// How many rounds a race has.
fn rounds() -> usize {
    number_of("E2E_RACES").and_then(|it| usize::try_from(it).ok()).unwrap_or(ROUNDS)
}

/// The gids of all rounds.
pub(super) fn gids() -> impl Iterator<Item = String> {
    (0..rounds()).map(gid_of)
}

fn gid_of(round: usize) -> String {
    format!("race-{round}")
}

fn number_of(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "an argument of a test, not a setting of the server")]
    let given = std::env::var(name).ok();
    given.map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}
