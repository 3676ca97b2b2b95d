//! XA in MariaDB and PostgreSQL.

use dtm_barrier::xa::{XaDatabase, prepared};
use dtm_barrier::{BarrierError, BranchBarrier, BranchError, BranchOp, Called, Done, Mode, Skip};
use sqlx::{MySql, Postgres};

use crate::bank::{Bank, Stage, is_retry, skipped};

/// Names of prepared transactions are those of the whole server.
fn gid<DB: Bank>(stage: &Stage<DB>) -> String {
    stage.table.to_string()
}

fn barrier<DB: Bank>(stage: &Stage<DB>, op: BranchOp) -> BranchBarrier {
    BranchBarrier::new(Mode::Xa, gid(stage), "01", op).unwrap().in_table(stage.table.clone())
}

async fn prepare<DB: Bank + XaDatabase>(stage: &Stage<DB>) -> Result<Called<()>, BranchError> {
    let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 30).await?);
    barrier(stage, BranchOp::Action).xa_prepare(&stage.pool, business, async { Ok(()) }).await
}

async fn finish<DB: Bank + XaDatabase>(stage: &Stage<DB>, op: BranchOp) -> Result<Done, BranchError> {
    barrier(stage, op).xa_finish(&stage.pool).await
}

async fn is_prepared<DB: Bank + XaDatabase>(stage: &Stage<DB>) -> bool {
    prepared(&stage.pool).await.unwrap().iter().any(|it| it.gid == gid(stage) && it.branch_id == "01")
}

async fn what_is_prepared_is_committed_once<DB: Bank + XaDatabase>(stage: &Stage<DB>) {
    assert_eq!(prepare(stage).await.unwrap(), Called::Ran(()));
    assert!(is_prepared(stage).await);
    assert_eq!(stage.balance().await, 0, "nobody sees it yet");
    for _ in 0..2 {
        assert_eq!(finish(stage, BranchOp::Commit).await.unwrap(), Done);
        assert_eq!(stage.balance().await, 30);
    }
    assert!(!is_prepared(stage).await);
    assert_eq!(prepare(stage).await.unwrap(), skipped(Skip::Repeated), "a late repetition");
    let Err(BranchError::Retry(error)) = finish(stage, BranchOp::Rollback).await else {
        panic!("it is committed")
    };
    assert!(matches!(error.downcast_ref(), Some(BarrierError::Committed { .. })), "{error}");
    assert_eq!(stage.balance().await, 30);
}

async fn what_is_prepared_is_rolled_back_and_does_not_come_again<DB: Bank + XaDatabase>(stage: &Stage<DB>) {
    assert_eq!(prepare(stage).await.unwrap(), Called::Ran(()));
    for _ in 0..2 {
        assert_eq!(finish(stage, BranchOp::Rollback).await.unwrap(), Done);
    }
    let late = prepare(stage).await;
    assert!(matches!(late, Err(BranchError::RollBack(_))), "{late:?}");
    assert!(!is_prepared(stage).await);
    assert!(is_retry(&finish(stage, BranchOp::Commit).await));
    assert_eq!(stage.balance().await, 0);
}

async fn a_rollback_that_comes_first_keeps_the_first_phase_out<DB: Bank + XaDatabase>(stage: &Stage<DB>) {
    assert_eq!(finish(stage, BranchOp::Rollback).await.unwrap(), Done);
    let late = prepare(stage).await;
    assert!(matches!(late, Err(BranchError::RollBack(_))), "{late:?}");
    assert_eq!(stage.balance().await, 0);
}

async fn a_commit_of_nothing_is_no_success<DB: Bank + XaDatabase>(stage: &Stage<DB>) {
    let Err(BranchError::Retry(error)) = finish(stage, BranchOp::Commit).await else {
        panic!("nothing is prepared")
    };
    assert!(matches!(error.downcast_ref(), Some(BarrierError::NotPrepared { .. })), "{error}");
    let Err(BranchError::Retry(error)) = finish(stage, BranchOp::Action).await else {
        panic!("no second phase")
    };
    assert!(matches!(error.downcast_ref(), Some(BarrierError::NotASecondPhase(_))), "{error}");
}

async fn a_repetition_while_it_is_at_work_or_prepared_is_told_to_come_again<DB: Bank + XaDatabase>(
    stage: &Stage<DB>,
) {
    let business = async |connection: &mut DB::Connection| {
        DB::add(connection, 30).await?;
        let repeated = prepare(stage).await;
        assert!(matches!(repeated, Err(BranchError::Ongoing)), "{repeated:?}");
        // in MariaDB this takes `innodb_lock_wait_timeout`
        if DB::ERRORS_END {
            let early = finish(stage, BranchOp::Rollback).await;
            assert!(matches!(early, Err(BranchError::Ongoing)), "{early:?}");
        }
        Ok(())
    };
    let mut first = barrier(stage, BranchOp::Action);
    let called = first.xa_prepare(&stage.pool, business, async { Ok(()) }).await.unwrap();
    assert_eq!(called, Called::Ran(()));
    let repeated = prepare(stage).await;
    assert!(matches!(repeated, Err(BranchError::Ongoing)), "{repeated:?}");
    assert_eq!(finish(stage, BranchOp::Rollback).await.unwrap(), Done);
    assert_eq!(stage.balance().await, 0);
}

async fn what_fails_before_it_is_prepared_leaves_nothing<DB: Bank + XaDatabase>(stage: &Stage<DB>) {
    let add = async |connection: &mut DB::Connection| Ok(DB::add(connection, 30).await?);
    let unregistered = async { Err(std::io::Error::other("no answer"))? };
    let done = barrier(stage, BranchOp::Action).xa_prepare(&stage.pool, add, unregistered).await;
    assert!(is_retry(&done), "{done:?}");
    let refusing = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
        DB::add(connection, 30).await?;
        Err(BranchError::roll_back("no"))
    };
    let done = barrier(stage, BranchOp::Action).xa_prepare(&stage.pool, refusing, async { Ok(()) }).await;
    assert!(matches!(done, Err(BranchError::RollBack(_))), "{done:?}");
    let secretive = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
        DB::add(connection, 30).await?;
        DB::break_off(connection).await.ok();
        Ok(())
    };
    let done = barrier(stage, BranchOp::Action).xa_prepare(&stage.pool, secretive, async { Ok(()) }).await;
    assert!(is_retry(&done), "{done:?}");
    if DB::ERRORS_END {
        let secretive = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
            DB::add(connection, 30).await?;
            DB::fail(connection).await.ok();
            Ok(())
        };
        let done =
            barrier(stage, BranchOp::Action).xa_prepare(&stage.pool, secretive, async { Ok(()) }).await;
        assert!(is_retry(&done), "{done:?}");
    }
    {
        let endless = async |connection: &mut DB::Connection| -> Result<(), BranchError> {
            DB::add(connection, 30).await?;
            std::future::pending().await
        };
        let mut barrier = barrier(stage, BranchOp::Action);
        let dropped = barrier.xa_prepare(&stage.pool, endless, async { Ok(()) });
        assert!(tokio::time::timeout(std::time::Duration::from_millis(300), dropped).await.is_err());
    }
    assert!(!is_prepared(stage).await);
    assert_eq!(stage.balance().await, 0);
    assert_eq!(prepare(stage).await.unwrap(), Called::Ran(()), "the same call can come again");
    assert_eq!(finish(stage, BranchOp::Commit).await.unwrap(), Done);
    assert_eq!(stage.balance().await, 30);
}

macro_rules! cases {
    ($($case:ident)+) => {
        mod mysql { use super::*; $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(stage) = MySql::open().await { super::$case(&stage).await }
            }
        )+ }
        mod postgres { use super::*; $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(stage) = Postgres::open().await { super::$case(&stage).await }
            }
        )+ }
    };
}

cases! {
    what_is_prepared_is_committed_once
    what_is_prepared_is_rolled_back_and_does_not_come_again
    a_rollback_that_comes_first_keeps_the_first_phase_out
    a_commit_of_nothing_is_no_success
    a_repetition_while_it_is_at_work_or_prepared_is_told_to_come_again
    what_fails_before_it_is_prepared_leaves_nothing
}
