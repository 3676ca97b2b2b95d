//! Branches in this process.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use dtm_core::coordinator::BranchCall;
use dtm_core::model::{Outcome, Protocol};

use super::fixtures::{call, cause, config, headers, transport};
use crate::transport::local::{LocalBranch, LocalBranches};
use crate::transport::local_call::LocalCall;
use crate::transport::{BranchTransport, Contact, Guarded, Transport};

fn with(name: &str, branch: LocalBranch) -> BranchTransport {
    let branches = BTreeMap::from([(name.to_owned(), branch)]);
    BranchTransport::by(transport(), &config()).with_local(LocalBranches::new(branches))
}

/// Never ends, and says so when it is dropped.
fn hanging() -> (LocalBranch, oneshot::Receiver<()>) {
    let (alive, dropped) = oneshot::channel::<()>();
    let alive = Arc::new(parking_lot::Mutex::new(Some(alive)));
    let branch: LocalBranch = Arc::new(move |_: LocalCall| {
        let alive = alive.lock().take();
        async move {
            let _alive = alive;
            pending().await
        }
        .boxed()
    });
    (branch, dropped)
}

#[tokio::test]
async fn a_branch_of_this_process_is_called_by_its_name_whatever_the_protocol() {
    let branch: LocalBranch = Arc::new(|call: LocalCall| {
        let told = format!("{} {}", call.gid, String::from_utf8_lossy(call.payload.as_bytes()));
        async move { Outcome::Failure { reason: told } }.boxed()
    });
    let transport = with("stock/deduct", branch);
    for protocol in [Protocol::Http, Protocol::JsonRpc, Protocol::Grpc] {
        let call = BranchCall { protocol, ..call("local:stock/deduct") };
        let outcome = transport.call(&call, &headers([])).await;
        assert_eq!(outcome, Outcome::Failure { reason: "order-47 {\"amount\":30}".to_owned() });
    }
}

#[tokio::test]
async fn a_branch_that_panics_is_tried_again_and_its_driver_lives() {
    let branch: LocalBranch = Arc::new(|call: LocalCall| {
        assert!(call.payload.is_empty(), "a branch with a defect");
        async { Outcome::Success }.boxed()
    });
    let attempt =
        with("stock", branch).attempt(&call("local:stock"), &headers([]), Duration::from_secs(3)).await;
    assert_eq!(cause(&attempt.outcome), "local:stock panicked");
    assert_eq!(attempt.contact, Contact::Answered);
}

#[tokio::test]
async fn a_branch_that_is_too_slow_is_dropped_and_nobody_knows_what_it_did() {
    let (branch, dropped) = hanging();
    let limit = Duration::from_millis(10);
    let attempt = with("stock", branch).attempt(&call("local:stock"), &headers([]), limit).await;
    assert_eq!(cause(&attempt.outcome), "local:stock: not done within 0.01 s");
    assert_eq!(attempt.contact, Contact::TimedOut);
    assert!(dropped.await.is_err(), "its end of the channel is gone");
}

#[tokio::test]
async fn a_branch_whose_driver_has_lost_the_transaction_is_dropped() {
    let (branch, dropped) = hanging();
    let transport = with("stock", branch);
    let (stock, none) = (call("local:stock"), headers([]));
    let mut attempt = Box::pin(transport.call(&stock, &none));
    assert!(attempt.as_mut().now_or_never().is_none());
    tokio::task::yield_now().await; // the branch has its turn
    drop(attempt);
    assert!(dropped.await.is_err());
}

#[tokio::test]
async fn a_branch_that_still_runs_when_the_coordinator_stops_is_dropped() {
    let (branch, dropped) = hanging();
    let branches = LocalBranches::new(BTreeMap::from([("stock".to_owned(), branch)]));
    let transport = BranchTransport::by(transport(), &config()).with_local(branches.clone());
    let (stock, none) = (call("local:stock"), headers([]));
    let (outcome, ()) = tokio::join!(transport.call(&stock, &none), async {
        tokio::task::yield_now().await; // the branch has its turn
        branches.end();
    });
    assert_eq!(cause(&outcome), "local:stock: the coordinator has stopped");
    assert!(dropped.await.is_err());
}

#[tokio::test]
async fn a_name_that_is_not_registered_counts_as_not_sent_and_opens_no_breaker() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let branch: LocalBranch = Arc::new(move |_: LocalCall| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Outcome::Success }.boxed()
    });
    let guarded = Guarded::new(with("stock", branch), &config());
    for _ in 0..100 {
        let outcome = guarded.call(&call("local:pay"), &headers([])).await;
        assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome:?}");
        assert!(cause(&outcome).contains("no branch is registered as 'pay'"), "{outcome:?}");
    }
    assert_eq!(guarded.breakers().open, 0);
    assert_eq!(guarded.call(&call("local:stock"), &headers([])).await, Outcome::Success);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
