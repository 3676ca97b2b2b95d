//! What goes wrong between the barrier and the commit.

use std::pin::pin;

use dtm_barrier::BranchOp::{Action, Compensate};
use dtm_barrier::sql::TableName;
use dtm_barrier::{BarrierError, BranchError, Called};
use futures_util::FutureExt as _;

use crate::bank::{Bank, Stage, is_retry};

async fn nothing_remains<DB: Bank>(stage: &Stage<DB>, after: &str) {
    assert_eq!((stage.rows().await, stage.balance().await), (Vec::new(), 0), "after {after}");
}

pub(crate) async fn a_connection_that_breaks_between_barrier_and_commit_leaves_nothing<DB: Bank>(
    stage: &Stage<DB>,
) {
    let business = async |connection: &mut DB::Connection| {
        DB::add(connection, 30).await?;
        Ok(DB::break_off(connection).await?)
    };
    let called = stage.barrier(Action).call(&stage.pool, business).await;
    assert!(is_retry(&called), "{called:?}");
    nothing_remains(stage, "a broken connection").await;
    assert_eq!(stage.call(Action, 30).await.unwrap(), Called::Ran(()));
    assert_eq!(stage.balance().await, 30);
}

pub(crate) async fn an_error_that_the_closure_keeps_to_itself_is_no_success<DB: Bank>(stage: &Stage<DB>) {
    let business = async |connection: &mut DB::Connection| {
        DB::add(connection, 30).await?;
        assert!(DB::fail(connection).await.is_err());
        Ok(())
    };
    let called = stage.barrier(Action).call(&stage.pool, business).await;
    if DB::ERRORS_END {
        // the database would answer COMMIT, and keep nothing
        let Err(BranchError::Retry(error)) = called else { panic!("nothing is kept: {called:?}") };
        assert!(matches!(error.downcast_ref(), Some(BarrierError::Ended)), "{error}");
        nothing_remains(stage, "an error that was kept secret").await;
    } else {
        assert_eq!((called.unwrap(), stage.balance().await), (Called::Ran(()), 30));
    }
}

pub(crate) async fn an_error_a_refusal_a_panic_and_a_dropped_future_leave_nothing<DB: Bank>(
    stage: &Stage<DB>,
) {
    let failing = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
        DB::add(connection, 30).await?;
        Err(std::io::Error::other("disk"))?
    };
    assert!(is_retry(&stage.barrier(Action).call(&stage.pool, failing).await));
    nothing_remains(stage, "an error").await;

    let refusing = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
        DB::add(connection, 30).await?;
        Err(BranchError::roll_back("sold out"))
    };
    let called = stage.barrier(Action).call(&stage.pool, refusing).await;
    assert!(matches!(called, Err(BranchError::RollBack(reason)) if reason == "sold out"));
    nothing_remains(stage, "a refusal").await;

    let panicking = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
        DB::add(connection, 30).await?;
        panic!("a defect of the business");
    };
    let mut barrier = stage.barrier(Action);
    let call = std::panic::AssertUnwindSafe(barrier.call(&stage.pool, panicking));
    assert!(call.catch_unwind().await.is_err());
    nothing_remains(stage, "a panic").await;

    let (reached, is_reached) = tokio::sync::oneshot::channel();
    let endless = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
        DB::add(connection, 30).await?;
        reached.send(()).unwrap();
        std::future::pending().await
    };
    let mut barrier = stage.barrier(Action);
    {
        let mut call = pin!(barrier.call(&stage.pool, endless));
        tokio::select! {
            _ = &mut call => panic!("it has no end"),
            reached = is_reached => reached.unwrap(),
        }
    }
    nothing_remains(stage, "a dropped future").await;

    assert_eq!(stage.call(Action, 30).await.unwrap(), Called::Ran(()));
    assert_eq!(stage.balance().await, 30);
}

pub(crate) async fn a_closure_that_ends_the_transaction_by_itself_is_refused<DB: Bank>(stage: &Stage<DB>) {
    for statement in ["COMMIT", "ROLLBACK"] {
        for begins_another in [false, true] {
            let business = async |connection: &mut DB::Connection| {
                DB::execute(connection, statement).await?;
                if begins_another {
                    DB::execute(connection, "BEGIN").await?;
                }
                Ok(())
            };
            let mut barrier = stage.barrier_of(&format!("{statement}-{begins_another}"), Action);
            let Err(BranchError::Retry(error)) = barrier.call(&stage.pool, business).await else {
                panic!("{statement} was not noticed");
            };
            assert!(matches!(error.downcast_ref(), Some(BarrierError::Ended)), "{statement}: {error}");
        }
    }
    assert_eq!(stage.call(Action, 30).await.unwrap(), Called::Ran(()), "the connections are as good as ever");
    assert_eq!(stage.balance().await, 30);
}

pub(crate) async fn a_barrier_that_failed_is_not_used_again<DB: Bank>(stage: &Stage<DB>) {
    let mut barrier = stage.barrier(Action);
    let failing =
        async |_: &mut DB::Connection| -> Result<(), BranchError> { Err(std::io::Error::other("disk"))? };
    assert!(is_retry(&barrier.call(&stage.pool, failing).await));
    let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 30).await?);
    let Err(BranchError::Retry(error)) = barrier.call(&stage.pool, business).await else {
        panic!("a second use would count as another call");
    };
    assert!(matches!(error.downcast_ref(), Some(BarrierError::Spent)));
    nothing_remains(stage, "two failures").await;
}

pub(crate) async fn a_missing_table_is_named<DB: Bank>(stage: &Stage<DB>) {
    let mut barrier = stage.barrier(Compensate).in_table(TableName::new("no_such_table").unwrap());
    let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 30).await?);
    let called = barrier.call(&stage.pool, business).await;
    assert!(is_retry(&called), "{called:?}");
    let said = called.unwrap_err().to_string();
    assert!(
        said.contains("write the barrier table no_such_table (if it is missing: sql::create_table"),
        "{said}"
    );
    nothing_remains(stage, "a missing table").await;
}

pub(crate) async fn a_gid_that_the_table_cannot_keep_is_refused<DB: Bank>(stage: &Stage<DB>) {
    // behaviour 49, defect M13
    let long = "g".repeat(129);
    let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 30).await?);
    let called = stage.barrier_of(&long, Action).call(&stage.pool, business).await;
    assert!(
        called
            .unwrap_err()
            .to_string()
            .contains("the gid has 129 characters, and the barrier table keeps 128")
    );
    assert_eq!(stage.balance().await, 0);
    let strange = "o'rder; DROP TABLE account; -- \u{8ba2}\u{1f4b6} %s \\";
    for expected in [Called::Ran(()), crate::bank::skipped(dtm_barrier::Skip::Repeated)] {
        let called = stage.barrier_of(strange, Action).call(&stage.pool, business).await;
        assert_eq!(called.unwrap(), expected);
    }
    assert_eq!(stage.balance().await, 30);
}
