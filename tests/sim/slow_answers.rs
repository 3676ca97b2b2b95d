//! A server that learns late what the store has said must not act on it: another server may have taken the transaction
//! over meanwhile.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::coordinator::{Policy, Verb};
use dtm_core::model::{Gid, Transaction};
use dtm_store::{NewTransaction, NodeName, NodeStore, Ownership, TokenSource, TransactionStore};
use dtm_testkit::invariants::Event;
use tokio::time::sleep;

use crate::copies::{self, message, register, tcc};
use crate::world::{NODE_TIMEOUT, Process, World};

/// Longer than a server may believe what it has written.
const LATE: Duration = NODE_TIMEOUT;

/// Two servers that have looked for something to do and found nothing.
async fn two_servers() -> (Arc<World>, Process, Process, Gid) {
    let found = copies::two_servers().await;
    sleep(Duration::from_millis(10)).await;
    found
}

/// Who has called anything for that transaction.
fn callers(world: &World, gid: &Gid) -> Vec<String> {
    let entries = world.journal.entries().into_iter();
    let call = entries.filter_map(|entry| match entry.event {
        Event::Called { caller, gid: of, .. } if of == *gid => Some(caller),
        _ => None,
    });
    call.collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_elsewhere_before_its_creation_was_answered_is_not_called() {
    // decision 13: a write that took long says who owned the transaction when it began
    let (world, first, second, gid) = two_servers().await;
    world.faults.answer_next_write_after(LATE);
    let definition = message(&world, &gid, "http://branch");
    let submit = tokio::spawn(async move { first.engine.admit(Verb::Submit, definition, None).await });
    sleep(Duration::from_millis(100)).await;
    second.engine.force_stop(&gid).await.expect("it is stored and has not ended");
    submit.await.expect("no panic").expect("it was accepted");
    sleep(2 * LATE).await;
    assert_eq!(callers(&world, &gid), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_elsewhere_before_a_write_was_answered_is_not_called() {
    // decision 13
    let (world, first, second, gid) = two_servers().await;
    first.engine.admit(Verb::Prepare, tcc(&world, &gid), None).await.expect("it is new");
    register(&first, &gid, "01").await.expect("it is prepared");
    world.faults.answer_next_write_after(LATE);
    let definition = tcc(&world, &gid);
    let submit = tokio::spawn(async move { first.engine.admit(Verb::Submit, definition, None).await });
    sleep(Duration::from_millis(100)).await;
    second.engine.force_stop(&gid).await.expect("it is submitted");
    submit.await.expect("no panic").expect_err("it was stopped");
    sleep(2 * LATE).await;
    assert!(
        callers(&world, &gid).iter().all(|caller| *caller == second.label),
        "{:?}",
        callers(&world, &gid)
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_for_once_keeps_nothing_from_its_end() {
    let (world, first, _second, gid) = two_servers().await;
    world.faults.answer_next_write_after(LATE);
    let definition = message(&world, &gid, "http://branch");
    first.engine.admit(Verb::Submit, definition, None).await.expect("it is new");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(callers(&world, &gid), [first.label]);
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_elsewhere_while_it_was_read_after_a_claim_is_not_called() {
    // decision 13: what was read may have changed before the answer came
    let (world, first, second, gid) = two_servers().await;
    let node = NodeName::parse("c").expect("a name");
    let dead = TokenSource::new(node.clone(), world.store.join(&node).await.expect("it joins"));
    let transaction = Transaction::submitted(message(&world, &gid, "http://branch"), &Policy::default());
    let owner = Ownership { token: dead.fresh(), held: false };
    world.faults.answer_next_read_after(Duration::from_millis(400));
    world.store.create(NewTransaction { transaction, owner, due: world.now() }).await.expect("it is new");
    let owner = claimed(&world, &gid).await;
    let other = if owner == first.label { &second } else { &first };
    other.engine.force_stop(&gid).await.expect("it has not ended");
    sleep(2 * LATE).await;
    assert_eq!(callers(&world, &gid), [""; 0]);
}

/// Waits until a server has claimed the transaction, and says which.
async fn claimed(world: &Arc<World>, gid: &Gid) -> String {
    loop {
        let stored = world.store.load(gid).await.expect("the store answers").expect("it is there");
        if stored.owner.held {
            return format!("{}:{}", stored.owner.token.node.as_str(), stored.owner.token.epoch.0);
        }
        sleep(Duration::from_millis(5)).await;
    }
}
