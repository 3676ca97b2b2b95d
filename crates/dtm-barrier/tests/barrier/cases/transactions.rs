//! Transactions that the user has begun.

use dtm_barrier::BranchOp::Action;
use dtm_barrier::{BarrierError, BranchError, Called, Entry, Skip};

use crate::bank::{Bank, Stage, skipped};

pub(crate) async fn a_transaction_of_your_own_is_committed_by_the_barrier<DB: Bank>(stage: &Stage<DB>) {
    for expected in [Called::Ran("receipt"), Called::NothingToDo(Skip::Repeated)] {
        let transaction = stage.pool.begin().await.unwrap();
        let business = async |connection: &mut DB::Connection| {
            DB::add(connection, 30).await?;
            Ok("receipt")
        };
        assert_eq!(stage.barrier(Action).call_in(transaction, business).await.unwrap(), expected);
    }
    assert_eq!(stage.balance().await, 30);

    let mut transaction = stage.pool.begin().await.unwrap();
    DB::add(&mut transaction, 1).await.unwrap();
    let refusing =
        async |_: &mut DB::Connection| -> Result<(), BranchError> { Err(BranchError::roll_back("no")) };
    let called = stage.barrier_of("order-2", Action).call_in(transaction, refusing).await;
    assert!(matches!(called, Err(BranchError::RollBack(_))));
    assert_eq!(stage.balance().await, 30, "all of the transaction is rolled back");
}

pub(crate) async fn who_drives_the_transaction_himself_enters_it_first<DB: Bank>(stage: &Stage<DB>) {
    let first = Entry::First;
    for (expected, commits) in [(first, false), (first, true), (Entry::NothingToDo(Skip::Repeated), true)] {
        let mut transaction = stage.pool.begin().await.unwrap();
        let entry = stage.barrier(Action).enter(&mut *transaction).await.unwrap();
        assert_eq!(entry, expected);
        if entry == Entry::First {
            DB::add(&mut transaction, 30).await.unwrap();
        }
        match commits {
            true => transaction.commit().await.unwrap(),
            false => transaction.rollback().await.unwrap(),
        }
    }
    assert_eq!(stage.balance().await, 30);
    assert_eq!(stage.call(Action, 30).await.unwrap(), skipped(Skip::Repeated));
}

pub(crate) async fn a_connection_without_a_transaction_is_refused<DB: Bank>(stage: &Stage<DB>) {
    let mut connection = stage.pool.acquire().await.unwrap();
    let Err(BranchError::Retry(error)) = stage.barrier(Action).enter(&mut *connection).await else {
        panic!("the row would be there before the business is done");
    };
    assert!(matches!(error.downcast_ref(), Some(BarrierError::NotInTransaction)), "{error}");
    drop(connection);
    assert_eq!(stage.rows().await, []);
}
