//! The faults happen as planned, and nothing else does.

use std::sync::Arc;
use std::time::Duration;

use dtm_store::{Epoch, Error, NodeName, NodeStore as _, TopicStore as _};

use super::{CrashAt, FaultPlan, SimStore};
use crate::ManualClock;

fn open(plan: FaultPlan) -> SimStore {
    SimStore::with_plan(Arc::new(ManualClock::default()), Duration::from_secs(3), plan)
}

fn node() -> NodeName {
    NodeName::parse("a").unwrap()
}

#[tokio::test]
async fn a_lost_answer_is_a_time_out_of_something_that_happened() {
    let store = open(FaultPlan { lost_answers: 1_000, ..FaultPlan::default() });
    let result = store.join(&node()).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    store.replace_plan(FaultPlan::default());
    assert_eq!(store.join(&node()).await.unwrap(), Epoch(2));
}

#[tokio::test]
async fn a_failure_is_a_time_out_of_something_that_did_not_happen() {
    let store = open(FaultPlan { failures: 1_000, ..FaultPlan::default() });
    let result = store.join(&node()).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    assert!(store.load_topic("t").await.is_err(), "reads fail too");
    store.replace_plan(FaultPlan::default());
    assert_eq!(store.join(&node()).await.unwrap(), Epoch(1));
}

#[tokio::test(start_paused = true)]
async fn a_delay_passes_in_virtual_time_and_is_the_same_for_the_same_seed() {
    let mut spans = Vec::new();
    for seed in [1, 1, 2] {
        let store = open(FaultPlan { seed, delay_max: Duration::from_secs(60), ..FaultPlan::default() });
        let start = tokio::time::Instant::now();
        for _ in 0..10 {
            store.join(&node()).await.unwrap();
        }
        spans.push(start.elapsed());
    }
    assert_eq!(spans[0], spans[1]);
    assert_ne!(spans[0], spans[2]);
    assert!(spans[0] > Duration::ZERO && spans[0] <= Duration::from_secs(600));
}

#[tokio::test]
async fn after_the_crash_everything_is_refused_and_the_restart_has_what_was_durable() {
    for (loses_unacknowledged, next) in [(true, 3), (false, 4)] {
        let crash = Some(CrashAt { write: 3, loses_unacknowledged });
        let store = open(FaultPlan { crash, ..FaultPlan::default() });
        assert_eq!(store.join(&node()).await.unwrap(), Epoch(1));
        assert_eq!(store.join(&node()).await.unwrap(), Epoch(2));
        assert!(store.join(&node()).await.is_err());
        assert!(store.has_crashed());
        assert!(store.join(&node()).await.is_err());
        assert!(store.load_topic("t").await.is_err());
        let store = store.restart(FaultPlan::default());
        assert_eq!(store.join(&node()).await.unwrap(), Epoch(next));
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_under_way_is_lost_unless_somebody_has_seen_it() {
    for (seen, next) in [(false, 1), (true, 2)] {
        let plan = FaultPlan { delay_max: Duration::from_secs(10), ..FaultPlan::default() };
        let store = Arc::new(open(plan));
        let joining = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.join(&node()).await }
        });
        while store.writes() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        store.replace_plan(FaultPlan::default());
        if seen {
            store.load_topic("t").await.unwrap();
        }
        store.crash(true);
        assert!(joining.await.unwrap().is_err());
        let store = store.restart(FaultPlan::default());
        assert_eq!(store.join(&node()).await.unwrap(), Epoch(next), "seen: {seen}");
    }
}
