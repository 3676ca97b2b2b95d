//! A server remembers what it has just prepared. When another server has changed that meanwhile, what it
//! remembers must neither be answered nor written.

use std::sync::Arc;

use dtm_core::coordinator::Verb;
use dtm_core::model::{
    BranchId, Definition, Gid, Mode, Options, Payload, Plan, Protocol, Registration, Status,
};
use dtm_server::runner::{Applied, RequestError};
use dtm_store::NodeName;

use crate::world::{Process, World};

/// Two servers on one store, without faults, and a TCC that the first one has prepared with one branch.
async fn prepared_by_the_first() -> (Arc<World>, Process, Process, Gid) {
    let world = Arc::new(World::new(7, None));
    world.faults.end();
    let node = |name: &str| NodeName::parse(name).expect("a name");
    let (first, second) = (world.start(&node("a")).await, world.start(&node("b")).await);
    let gid = Gid::parse("g").expect("a gid");
    let answer = first.engine.admit(Verb::Prepare, tcc(&world, &gid), None).await;
    assert_eq!(answer.expect("it is new"), Applied::Accepted);
    register(&first, &gid, "01").await.expect("it is prepared");
    (world, first, second, gid)
}

fn tcc(world: &World, gid: &Gid) -> Definition {
    Definition {
        gid: gid.clone(),
        protocol: Protocol::Http,
        plan: Plan::Tcc,
        options: Options::default(),
        custom_data: String::new(),
        created_at: world.now(),
    }
}

async fn register(server: &Process, gid: &Gid, branch: &str) -> Result<(), RequestError> {
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
    second.engine.abort(&gid, Some(Mode::Tcc), "no stock").await.expect("it is prepared");
    let late = register(&first, &gid, "02").await;
    assert!(matches!(late, Err(RequestError::Refused(_))), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn what_another_server_has_aborted_cannot_be_submitted() {
    // behaviour 16, decision 13
    let (world, first, second, gid) = prepared_by_the_first().await;
    second.engine.abort(&gid, Some(Mode::Tcc), "no stock").await.expect("it is prepared");
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
