//! Calls that come twice, early, late and at the same time.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use dtm_barrier::BranchOp::{Action, Cancel, Commit, Compensate, Confirm, Rollback, Try};
use dtm_barrier::{BranchOp, Called, Skip};
use futures_util::future::join_all;

use crate::bank::{Bank, Stage, is_retry, row, skipped};

pub(crate) async fn each_op_takes_effect_once_however_often_it_comes<DB: Bank>(stage: &Stage<DB>) {
    let mut balance = 0;
    for (op, gid) in [
        (Action, "saga"),
        (Compensate, "saga"),
        (Try, "tcc"),
        (Cancel, "tcc"),
        (Confirm, "tcc-2"),
        (Action, "workflow"),
        (Rollback, "workflow"),
        (Commit, "xa"),
    ] {
        let call = async || {
            let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 1).await?);
            stage.barrier_of(gid, op).call(&stage.pool, business).await.unwrap()
        };
        assert_eq!(call().await, Called::Ran(()), "{op}");
        balance += 1;
        assert_eq!(stage.balance().await, balance, "{op}");
        for _ in 0..2 {
            assert_eq!(call().await, skipped(Skip::Repeated), "{op}");
        }
        assert_eq!(stage.balance().await, balance, "{op} again");
    }
    let rows = DB::rows(stage, "saga").await;
    assert_eq!(rows, [row(["01", "action", "01", "action"]), row(["01", "compensate", "01", "compensate"])]);
}

pub(crate) async fn a_compensation_of_nothing_does_nothing_and_keeps_its_action_out<DB: Bank>(
    stage: &Stage<DB>,
) {
    for (undo, origin) in [(Compensate, Action), (Cancel, Try), (Rollback, Action)] {
        let gid = format!("order-{undo}");
        let call = async |op| {
            let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 1).await?);
            stage.barrier_of(&gid, op).call(&stage.pool, business).await.unwrap()
        };
        assert_eq!(call(undo).await, skipped(Skip::NothingToUndo));
        assert_eq!(call(undo).await, skipped(Skip::Repeated));
        assert_eq!(call(origin).await, skipped(Skip::Undone));
        assert_eq!(call(undo).await, skipped(Skip::Repeated));
        let (origin, undo) = (origin.as_str(), undo.as_str());
        let mut expected = [row(["01", origin, "01", undo]), row(["01", undo, "01", undo])];
        expected.sort();
        assert_eq!(DB::rows(stage, &gid).await, expected);
    }
    assert_eq!(stage.balance().await, 0);
}

/// Asks again until it is answered, as a transaction manager does.
async fn until_answered<DB: Bank>(stage: &Stage<DB>, op: BranchOp, cents: i64, ran: &AtomicU32) {
    for _ in 0..100 {
        let called = stage.call(op, cents).await;
        if is_retry(&called) {
            continue; // a dead-lock, for example
        }
        if called.unwrap() == Called::Ran(()) {
            ran.fetch_add(1, Relaxed);
        }
        return;
    }
    panic!("{op} is not answered");
}

pub(crate) async fn fifty_calls_at_the_same_time_take_effect_once<DB: Bank>(stage: &Stage<DB>) {
    let ran = AtomicU32::new(0);
    join_all((0..50).map(|_| until_answered(stage, Action, 30, &ran))).await;
    assert_eq!((ran.load(Relaxed), stage.balance().await), (1, 30));
}

pub(crate) async fn an_action_and_its_compensation_from_fifty_tasks_add_up_to_nothing<DB: Bank>(
    stage: &Stage<DB>,
) {
    let (done, undone) = (AtomicU32::new(0), AtomicU32::new(0));
    let kinds = [(Action, -30, &done), (Compensate, 30, &undone)];
    let calls = (0..50).map(|number| {
        let (op, cents, ran) = kinds[number % 2];
        until_answered(stage, op, cents, ran)
    });
    join_all(calls).await;
    let (done, undone) = (done.into_inner(), undone.into_inner());
    assert!(done <= 1 && done == undone, "{done} actions and {undone} compensations took effect");
    assert_eq!(stage.balance().await, 0);
}

pub(crate) async fn fifty_transactions_at_the_same_time_do_not_stand_in_each_others_way<DB: Bank>(
    stage: &Stage<DB>,
) {
    let calls = (0..50).map(|number| async move {
        let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 1).await?);
        for _ in 0..100 {
            let mut barrier = stage.barrier_of(&format!("order-{number}"), Action);
            let called = barrier.call(&stage.pool, business).await;
            if !is_retry(&called) {
                return assert_eq!(called.unwrap(), Called::Ran(()));
            }
        }
        panic!("order-{number} is not answered");
    });
    join_all(calls).await;
    assert_eq!(stage.balance().await, 50);
}

pub(crate) async fn the_uses_of_one_barrier_are_told_apart<DB: Bank>(stage: &Stage<DB>) {
    for expected in [Called::Ran(()), skipped(Skip::Repeated)] {
        let mut barrier = stage.barrier(Action);
        for cents in [1, 10] {
            let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, cents).await?);
            assert_eq!(barrier.call(&stage.pool, business).await.unwrap(), expected);
        }
    }
    assert_eq!(stage.balance().await, 11);
    let rows = [row(["01", "action", "01", "action"]), row(["01", "action", "02", "action"])];
    assert_eq!(stage.rows().await, rows);
}
