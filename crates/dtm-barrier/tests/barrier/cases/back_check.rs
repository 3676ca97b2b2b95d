//! Messages and their back-checks.

use std::pin::pin;
use std::time::Duration;

use dtm_barrier::BranchOp::{Action, Message, Rollback};
use dtm_barrier::{BarrierError, BranchError, BranchResult, Called, Done, Skip};
use sqlx::Pool;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::bank::{Bank, Stage, row, skipped};

/// Long enough for whoever does not wait.
const A_MOMENT: Duration = Duration::from_millis(300);

async fn back_check<DB: Bank>(stage: &Stage<DB>, pool: &Pool<DB>) -> BranchResult {
    stage.barrier(Message).query_prepared(pool).await
}

pub(crate) async fn a_message_that_committed_is_prepared_and_its_repetition_does_nothing<DB: Bank>(
    stage: &Stage<DB>,
) {
    assert_eq!(stage.call(Message, 30).await.unwrap(), Called::Ran(()));
    for _ in 0..2 {
        assert_eq!(back_check(stage, &stage.pool).await.unwrap(), Done);
    }
    assert_eq!(stage.call(Message, 30).await.unwrap(), skipped(Skip::Repeated));
    assert_eq!(stage.balance().await, 30);
    assert_eq!(stage.rows().await, [row(["00", "msg", "01", "msg"])]);
}

pub(crate) async fn a_back_check_that_comes_first_keeps_the_local_transaction_out<DB: Bank>(
    stage: &Stage<DB>,
) {
    for _ in 0..2 {
        let asked = back_check(stage, &stage.pool).await;
        assert!(matches!(asked, Err(BranchError::RollBack(_))), "{asked:?}");
    }
    let called = stage.call(Message, 30).await;
    assert!(matches!(called, Err(BranchError::RollBack(_))), "{called:?}");
    assert_eq!(stage.balance().await, 0);
    assert_eq!(stage.rows().await, [row(["00", "msg", "01", "rollback"])]);
}

pub(crate) async fn a_back_check_waits_for_the_local_transaction_in_flight<DB: Bank>(stage: &Stage<DB>) {
    for (gid, commits) in [("commits", true), ("rolls-back", false)] {
        let (reached, is_reached) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let business = async |connection: &mut DB::Connection| {
            DB::add(connection, 30).await?;
            reached.send(()).unwrap();
            may_go_on.await?;
            match commits {
                true => Ok(()),
                false => Err(BranchError::roll_back("no")),
            }
        };
        let mut barrier = stage.barrier_of(gid, Message);
        let mut local = pin!(barrier.call(&stage.pool, business));
        tokio::select! {
            _ = &mut local => panic!("it waits"),
            reached = is_reached => reached.unwrap(),
        }
        let asking = stage.barrier_of(gid, Message);
        let mut asked = pin!(asking.query_prepared(&stage.pool));
        assert!(
            timeout(A_MOMENT, &mut asked).await.is_err(),
            "it has answered before the transaction has ended"
        );
        go_on.send(()).unwrap();
        let (local, asked) = tokio::join!(local, asked);
        assert_eq!(local.is_ok(), commits);
        match commits {
            true => assert_eq!(asked.unwrap(), Done),
            false => assert!(matches!(asked, Err(BranchError::RollBack(_))), "{asked:?}"),
        }
    }
    assert_eq!(stage.balance().await, 30);
}

pub(crate) async fn a_back_check_does_not_wait_for_ever<DB: Bank>(stage: &Stage<DB>) {
    // behaviour 50
    let (reached, is_reached) = oneshot::channel();
    let business = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
        DB::add(connection, 30).await?;
        reached.send(()).unwrap();
        std::future::pending().await
    };
    let mut barrier = stage.barrier(Message);
    let mut local = pin!(barrier.call(&stage.pool, business));
    tokio::select! {
        _ = &mut local => panic!("it waits"),
        reached = is_reached => reached.unwrap(),
    }
    let pool = DB::impatient(stage).await;
    let asked = timeout(Duration::from_secs(30), back_check(stage, &pool)).await.unwrap();
    assert!(matches!(asked, Err(BranchError::Ongoing)), "{asked:?}");
}

pub(crate) async fn a_call_that_is_no_back_check_is_told_so<DB: Bank>(stage: &Stage<DB>) {
    for op in [Action, Rollback] {
        let Err(BranchError::Retry(error)) = stage.barrier(op).query_prepared(&stage.pool).await else {
            panic!("{op} was taken for a back-check");
        };
        assert!(matches!(error.downcast_ref(), Some(BarrierError::NotABackCheck(found)) if *found == op));
    }
    assert_eq!(stage.rows().await, []);
}

pub(crate) async fn a_row_of_a_message_that_nobody_knows_decides_nothing<DB: Bank>(stage: &Stage<DB>) {
    assert!(DB::insert_as_go(stage, "order-1", ["00", "msg", "01", "test"]).await);
    for result in
        [back_check(stage, &stage.pool).await.map(|_| ()), stage.call(Message, 30).await.map(|_| ())]
    {
        let Err(BranchError::Retry(error)) = result else { panic!("it was taken for an answer") };
        assert!(
            matches!(error.downcast_ref(), Some(BarrierError::UnknownReason { reason, .. }) if reason == "test")
        );
    }
    assert_eq!(stage.balance().await, 0);
}
