//! A table that several share.

use dtm_barrier::BranchOp::{Action, Cancel, Compensate, Message, Try};
use dtm_barrier::sql::create_table_named;
use dtm_barrier::{BranchError, Called, Done, Skip};
use futures_util::future::join_all;

use crate::bank::{Bank, Stage, skipped};

pub(crate) async fn a_row_of_go_is_honoured_and_go_honours_ours<DB: Bank>(stage: &Stage<DB>) {
    // behaviour 49
    let go = async |gid, row| DB::insert_as_go(stage, gid, row).await;
    let ours = async |gid, op| {
        let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 1).await?);
        stage.barrier_of(gid, op).call(&stage.pool, business).await.unwrap()
    };
    // Go's action, and our compensation
    assert!(go("done-by-go", ["01", "action", "01", "action"]).await);
    assert_eq!(ours("done-by-go", Action).await, skipped(Skip::Repeated));
    assert_eq!(ours("done-by-go", Compensate).await, Called::Ran(()));
    assert!(!go("done-by-go", ["01", "compensate", "01", "compensate"]).await, "Go finds it done");
    // Go's compensation of nothing, and our action
    assert!(go("undone-by-go", ["01", "try", "01", "cancel"]).await);
    assert!(go("undone-by-go", ["01", "cancel", "01", "cancel"]).await);
    assert_eq!(ours("undone-by-go", Try).await, skipped(Skip::Undone));
    assert_eq!(ours("undone-by-go", Cancel).await, skipped(Skip::Repeated));
    // our action and Go's, and our compensation of nothing
    assert_eq!(ours("done-by-us", Action).await, Called::Ran(()));
    assert!(!go("done-by-us", ["01", "action", "01", "action"]).await);
    assert_eq!(ours("undone-by-us", Compensate).await, skipped(Skip::NothingToUndo));
    assert!(!go("undone-by-us", ["01", "action", "01", "action"]).await);
    assert_eq!(stage.balance().await, 2);

    // messages: committed by Go, and asked for by Go
    assert!(go("sent-by-go", ["00", "msg", "01", "msg"]).await);
    let asked = |gid| stage.barrier_of(gid, Message);
    assert_eq!(asked("sent-by-go").query_prepared(&stage.pool).await.unwrap(), Done);
    assert!(go("asked-by-go", ["00", "msg", "01", "rollback"]).await);
    let answer = asked("asked-by-go").query_prepared(&stage.pool).await;
    assert!(matches!(answer, Err(BranchError::RollBack(_))), "{answer:?}");
}

pub(crate) async fn many_may_make_the_table_at_the_same_time<DB: Bank>(stage: &Stage<DB>) {
    let another = &stage.another;
    let made = join_all((0..8).map(|_| create_table_named(&stage.pool, another))).await;
    for made in made {
        made.unwrap();
    }
    let mut barrier = stage.barrier(Action).in_table(another.clone());
    let business = async |connection: &mut DB::Connection| Ok(DB::add(connection, 30).await?);
    assert_eq!(barrier.call(&stage.pool, business).await.unwrap(), Called::Ran(()));
    assert_eq!(stage.rows().await, [], "it is another table");
}
