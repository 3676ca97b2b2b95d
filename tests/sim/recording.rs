//! What it costs to record the n-th branch of a transaction: as much as the first.

use std::sync::atomic::Ordering;

use dtm_core::coordinator::Verb;
use dtm_core::model::{BranchId, BranchStatus, Gid, Op, Payload, Plan, Registration};
use dtm_server::runner::RequestError;
use futures_util::future::join_all;

use crate::copies::{of_plan, register, tcc, two_servers};
use crate::world::{Process, World};

const STEPS: u64 = 1_000;

async fn record(server: &Process, gid: &Gid, number: u64) -> Result<(), RequestError> {
    let registration = Registration::Workflow {
        branch_id: BranchId::parse(&format!("{number:02}")).expect("a branch id"),
        op: Op::Action,
        status: BranchStatus::Succeed,
        // large, so that nobody keeps it in memory
        data: vec![b'x'; 10_000].into(),
    };
    server.engine.register(gid, &registration, |_| Ok(())).await
}

/// How many operations of the store it takes; heartbeats are among them.
async fn operations(world: &World, of: impl Future<Output = ()>) -> u64 {
    let before = world.operations.load(Ordering::Relaxed);
    of.await;
    world.operations.load(Ordering::Relaxed) - before
}

#[tokio::test(start_paused = true)]
async fn a_step_is_recorded_by_one_write_however_many_there_are() {
    let (world, first, second, gid) = two_servers().await;
    let plan = Plan::Workflow { callback: "http://flow".into(), name: "f".into(), data: Payload::empty() };
    first.engine.admit(Verb::Prepare, of_plan(&world, &gid, plan), None).await.expect("it is new");
    let recorded = operations(&world, async {
        for number in 1..=STEPS {
            record(&first, &gid, number).await.expect("it is new");
        }
    });
    let recorded = recorded.await;
    assert!((STEPS..STEPS + 20).contains(&recorded), "{recorded} operations for {STEPS} steps");
    // another server reads it once
    let recorded = operations(&world, async {
        for number in STEPS + 1..=2 * STEPS {
            record(&second, &gid, number).await.expect("it is new");
        }
    });
    let recorded = recorded.await;
    assert!((STEPS..STEPS + 20).contains(&recorded), "{recorded} operations for {STEPS} steps");
    let refused = record(&second, &gid, 7).await;
    assert!(matches!(refused, Err(RequestError::Refused(_))), "behaviour 25: {refused:?}");
    let refused = record(&first, &gid, 2 * STEPS).await;
    assert!(matches!(refused, Err(RequestError::Refused(_))), "it is the other one's: {refused:?}");
    let stored = first.engine.load(&gid).await.expect("the store answers").expect("it is there");
    assert_eq!(stored.transaction.registrations.len() as u64, 2 * STEPS);
}

#[tokio::test(start_paused = true)]
async fn branches_that_come_at_once_are_registered_by_one_write_each() {
    let (world, first, _second, gid) = two_servers().await;
    first.engine.admit(Verb::Prepare, tcc(&world, &gid), None).await.expect("it is new");
    let ids: Vec<String> = (1..=STEPS).map(|number| format!("{number:02}")).collect();
    let registered = operations(&world, async {
        for registered in join_all(ids.iter().map(|id| register(&first, &gid, id))).await {
            registered.expect("it is new");
        }
    });
    let registered = registered.await;
    assert!((STEPS..STEPS + 20).contains(&registered), "{registered} operations for {STEPS} branches");
    register(&first, &gid, "07").await.expect("decision 2: it is the same");
    let stored = first.engine.load(&gid).await.expect("the store answers").expect("it is there");
    assert_eq!(stored.transaction.registrations.len() as u64, STEPS);
}
