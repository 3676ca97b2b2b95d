//! A server remembers what it has just prepared. When another server has changed that meanwhile, what it
//! remembers must neither be answered nor written.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::coordinator::Verb;
use dtm_core::model::{
    BranchId, Definition, Gid, Mode, Options, Payload, Plan, Protocol, Registration, Seconds, Status, Step,
};
use dtm_server::runner::{Applied, RequestError};
use dtm_store::{NodeName, TransactionStore};
use dtm_testkit::invariants::{Entry, Event};

use crate::world::{Process, World};

/// Two servers on one store, without faults.
pub(crate) async fn two_servers() -> (Arc<World>, Process, Process, Gid) {
    let world = Arc::new(World::new(7, None));
    world.faults.end();
    let node = |name: &str| NodeName::parse(name).expect("a name");
    let (first, second) = (world.start(&node("a")).await, world.start(&node("b")).await);
    (world, first, second, Gid::parse("g").expect("a gid"))
}

/// The same, and a TCC that the first one has prepared with one branch.
async fn prepared_by_the_first() -> (Arc<World>, Process, Process, Gid) {
    let (world, first, second, gid) = two_servers().await;
    let answer = first.engine.admit(Verb::Prepare, tcc(&world, &gid), None).await;
    assert_eq!(answer.expect("it is new"), Applied::Accepted);
    register(&first, &gid, "01").await.expect("it is prepared");
    (world, first, second, gid)
}

pub(crate) fn tcc(world: &World, gid: &Gid) -> Definition {
    of_plan(world, gid, Plan::Tcc)
}

pub(crate) fn message(world: &World, gid: &Gid, action: &str) -> Definition {
    let steps = vec![Step::new(action, "", "{}")];
    of_plan(world, gid, Plan::Message { steps, query_prepared: "http://query".into(), delay: None })
}

pub(crate) fn of_plan(world: &World, gid: &Gid, plan: Plan) -> Definition {
    Definition {
        gid: gid.clone(),
        protocol: Protocol::Http,
        plan,
        options: Options::default(),
        custom_data: String::new(),
        created_at: world.now(),
    }
}

/// Ends a transaction and removes it, so that its gid is free.
async fn forget(world: &World, server: &Process, gid: &Gid) {
    server.engine.force_stop(gid).await.expect("it has not ended");
    let removed = world.store.purge(world.now().plus(Seconds::new(1)), 10).await;
    assert_eq!(removed.expect("the store answers"), 1);
}

pub(crate) async fn register(server: &Process, gid: &Gid, branch: &str) -> Result<(), RequestError> {
    let registration = Registration::Tcc {
        branch_id: BranchId::parse(branch).expect("a branch id"),
        confirm: "http://branch/confirm".into(),
        cancel: "http://branch/cancel".into(),
        data: Payload::empty(),
    };
    server.engine.register(gid, &registration, |_| Ok(())).await
}

async fn status(server: &Process, gid: &Gid) -> (Status, usize) {
    let stored = server.engine.load(gid).await.expect("the store answers").expect("it is there");
    (stored.transaction.status(), stored.transaction.registrations.len())
}

#[tokio::test(start_paused = true)]
async fn what_another_server_has_aborted_cannot_be_joined() {
    // behaviour 22, decision 13
    let (_world, first, second, gid) = prepared_by_the_first().await;
    second.engine.abort(&gid, Some(Mode::Tcc), "no stock", false).await.expect("it is prepared");
    let late = register(&first, &gid, "02").await;
    assert!(matches!(late, Err(RequestError::Refused(_))), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn what_another_server_has_aborted_cannot_be_submitted() {
    // behaviour 16, decision 13
    let (world, first, second, gid) = prepared_by_the_first().await;
    second.engine.abort(&gid, Some(Mode::Tcc), "no stock", false).await.expect("it is prepared");
    let late = first.engine.admit(Verb::Submit, tcc(&world, &gid), None).await;
    assert!(matches!(late, Err(RequestError::Refused(_))), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_prepare_again_is_not_answered_from_memory() {
    // behaviour 12
    let (world, first, second, gid) = prepared_by_the_first().await;
    second.engine.force_stop(&gid).await.expect("it has not ended");
    let again = first.engine.admit(Verb::Prepare, tcc(&world, &gid), None).await;
    assert!(matches!(again, Err(RequestError::Refused(_))), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_another_server_has_registered_takes_part() {
    // behaviour 102
    let (world, first, second, gid) = prepared_by_the_first().await;
    register(&second, &gid, "02").await.expect("it is prepared");
    register(&first, &gid, "03").await.expect("it is prepared");
    register(&second, &gid, "04").await.expect("it is prepared");
    assert_eq!(status(&first, &gid).await, (Status::Prepared, 4));
    let answer = first.engine.admit(Verb::Submit, tcc(&world, &gid), None).await;
    assert_eq!(answer.expect("it is prepared"), Applied::Accepted);
    let (status, branches) = status(&second, &gid).await;
    assert!(matches!(status, Status::Submitted | Status::Succeed), "{status:?}");
    assert_eq!(branches, 4);
}

#[tokio::test(start_paused = true)]
async fn the_same_branch_registered_elsewhere_is_the_same_branch() {
    // decision 2
    let (_world, first, second, gid) = prepared_by_the_first().await;
    register(&second, &gid, "02").await.expect("it is prepared");
    register(&first, &gid, "02").await.expect("it is the same");
    register(&first, &gid, "01").await.expect("it is the same");
    assert_eq!(status(&first, &gid).await, (Status::Prepared, 2));
}

#[tokio::test(start_paused = true)]
async fn a_submit_with_other_options_than_the_one_of_another_server_is_refused() {
    // decision 1
    let (world, first, second, gid) = prepared_by_the_first().await;
    let with_interval = |seconds| {
        let options = Options { retry_interval: Some(Seconds::new(seconds)), ..Options::default() };
        Definition { options, ..tcc(&world, &gid) }
    };
    let answer = second.engine.admit(Verb::Submit, with_interval(3), None).await;
    assert_eq!(answer.expect("it is prepared"), Applied::Accepted);
    let other = first.engine.admit(Verb::Submit, with_interval(5), None).await;
    assert!(matches!(other, Err(RequestError::Refused(_))), "{other:?}");
}

#[tokio::test(start_paused = true)]
async fn a_submit_never_goes_to_another_transaction_that_has_the_gid_meanwhile() {
    // decision 1
    let (world, first, second, gid) = two_servers().await;
    let old = message(&world, &gid, "http://old");
    first.engine.admit(Verb::Prepare, old.clone(), None).await.expect("it is new");
    forget(&world, &second, &gid).await;
    let new = message(&world, &gid, "http://new");
    second.engine.admit(Verb::Prepare, new, None).await.expect("it is new");
    let late = first.engine.admit(Verb::Submit, old, None).await;
    assert!(matches!(late, Err(RequestError::Refused(_))), "{late:?}");
    assert_eq!(status(&second, &gid).await, (Status::Prepared, 0));
}

#[tokio::test(start_paused = true)]
async fn a_branch_never_joins_another_transaction_that_has_the_gid_meanwhile() {
    // behaviour 22
    let (world, first, second, gid) = two_servers().await;
    first.engine.admit(Verb::Prepare, tcc(&world, &gid), None).await.expect("it is new");
    forget(&world, &second, &gid).await;
    let xa = of_plan(&world, &gid, Plan::Xa);
    second.engine.admit(Verb::Prepare, xa, None).await.expect("it is new");
    let late = register(&first, &gid, "01").await;
    assert!(matches!(late, Err(RequestError::Refused(_))), "{late:?}");
    assert_eq!(status(&second, &gid).await, (Status::Prepared, 0));
}

#[tokio::test(start_paused = true)]
async fn that_something_cannot_be_aborted_is_not_said_from_memory() {
    // behaviour 20
    let (world, first, second, gid) = two_servers().await;
    let plan = Plan::Workflow { callback: "http://flow".into(), name: "f".into(), data: Payload::empty() };
    first.engine.admit(Verb::Prepare, of_plan(&world, &gid, plan), None).await.expect("it is new");
    forget(&world, &second, &gid).await;
    second.engine.admit(Verb::Prepare, tcc(&world, &gid), None).await.expect("it is new");
    let answer = first.engine.abort(&gid, None, "no stock", false).await;
    assert_eq!(answer.expect("it is prepared"), Applied::Accepted);
}

#[tokio::test(start_paused = true)]
async fn servers_that_are_dead_for_long_are_forgotten_now_and_then() {
    let (world, _first, _second, _) = two_servers().await;
    tokio::time::sleep(Duration::from_secs(3_700)).await;
    let forgotten =
        |entry: &Entry| matches!(&entry.event, Event::Note(note) if note.contains("dead for 86400s"));
    assert_eq!(world.journal.entries().iter().filter(|entry| forgotten(entry)).count(), 2, "by each server");
}
