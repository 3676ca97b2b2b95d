//! The barrier in Redis.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dtm_barrier::BranchOp::{Action, Cancel, Compensate, Confirm, Message, Rollback, Try};
use dtm_barrier::{BarrierError, BranchBarrier, BranchError, BranchOp, Called, Done, Mode, Skip};
use dtm_testkit::outside::running;
use futures_util::future::join_all;
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;

use crate::bank::{is_retry, skipped};

const HOUR: Duration = Duration::from_secs(3_600);

/// An amount and transactions of its own, which expire.
struct Stock {
    connection: MultiplexedConnection,
    name: String,
}

impl Stock {
    /// `None`, after saying so, when Redis does not run.
    async fn open(amount: i64) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let service = running("redis", "REDIS_HOST")?;
        let secret = &service["REDIS_PASSWORD"];
        let place = format!("redis://:{secret}@{}:{}", service["REDIS_HOST"], service["REDIS_PORT"]);
        let client = redis::Client::open(place).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut stock = Self { connection, name: format!("barrier{}-{number}", std::process::id()) };
        stock.set(&stock.key(), &amount.to_string()).await;
        Some(stock)
    }

    fn key(&self) -> String {
        format!("{}-stock", self.name)
    }

    /// The key of a row of this transaction.
    fn row(&self, branch_id: &str, op: BranchOp) -> String {
        format!("{}-{branch_id}-{op}-01", self.name)
    }

    async fn set(&mut self, key: &str, value: &str) {
        let _: () = self.connection.set_ex(key, value, 600).await.unwrap();
    }

    async fn get(&mut self, key: &str) -> Option<String> {
        self.connection.get(key).await.unwrap()
    }

    async fn amount(&mut self) -> i64 {
        self.get(&self.key()).await.unwrap().parse().unwrap()
    }

    fn barrier(&self, op: BranchOp) -> BranchBarrier {
        let (mode, branch_id) = if op == Message { (Mode::Message, "00") } else { (Mode::Saga, "01") };
        BranchBarrier::new(mode, &self.name, branch_id, op).unwrap()
    }

    async fn call(&self, op: BranchOp, amount: i64) -> Result<Called<()>, BranchError> {
        let mut connection = self.connection.clone();
        self.barrier(op).redis_adjust(&mut connection, &self.key(), amount, HOUR).await
    }

    async fn back_check(&self) -> Result<Done, BranchError> {
        self.barrier(Message).redis_query_prepared(&mut self.connection.clone(), HOUR).await
    }
}

#[tokio::test]
async fn each_op_changes_the_amount_once_however_often_it_comes() {
    for op in [Action, Try, Confirm] {
        let Some(mut stock) = Stock::open(100).await else { return };
        assert_eq!(stock.call(op, -30).await.unwrap(), Called::Ran(()));
        for _ in 0..2 {
            assert_eq!(stock.call(op, -30).await.unwrap(), skipped(Skip::Repeated));
        }
        assert_eq!(stock.amount().await, 70);
        let Some(undo) = [(Action, Compensate), (Try, Cancel)].into_iter().find(|(done, _)| *done == op)
        else {
            continue;
        };
        assert_eq!(stock.call(undo.1, 30).await.unwrap(), Called::Ran(()));
        assert_eq!(stock.call(undo.1, 30).await.unwrap(), skipped(Skip::Repeated));
        assert_eq!(stock.amount().await, 100);
    }
}

#[tokio::test]
async fn a_compensation_of_nothing_changes_nothing_and_keeps_its_action_out() {
    // defect R23
    for (undo, origin) in [(Compensate, Action), (Cancel, Try), (Rollback, Action)] {
        let Some(mut stock) = Stock::open(100).await else { return };
        assert_eq!(stock.call(undo, 30).await.unwrap(), skipped(Skip::NothingToUndo));
        assert_eq!(stock.call(origin, -30).await.unwrap(), skipped(Skip::Undone));
        assert_eq!(stock.call(undo, 30).await.unwrap(), skipped(Skip::Repeated));
        assert_eq!(stock.amount().await, 100);
        assert_eq!(stock.get(&stock.row("01", origin)).await.unwrap(), "rollback", "as Go's SDK writes it");
    }
}

#[tokio::test]
async fn fifty_tasks_at_the_same_time_change_the_amount_once() {
    let Some(mut stock) = Stock::open(100).await else { return };
    let called =
        join_all((0..50).map(|number| stock.call([Action, Compensate][number % 2], [-30, 30][number % 2])));
    let ran = called.await.into_iter().filter(|called| *called.as_ref().unwrap() == Called::Ran(())).count();
    assert!(ran == 0 || ran == 2, "{ran}");
    assert_eq!(stock.amount().await, 100);

    let Some(mut stock) = Stock::open(100).await else { return };
    join_all((0..50).map(|_| stock.call(Action, -30))).await;
    assert_eq!(stock.amount().await, 70);
}

#[tokio::test]
async fn what_took_the_last_unit_is_done_when_it_comes_again() {
    // decision 20, defect B3
    for op in [Action, Try, Message] {
        let Some(mut stock) = Stock::open(1).await else { return };
        assert_eq!(stock.call(op, -1).await.unwrap(), Called::Ran(()));
        assert_eq!(stock.call(op, -1).await.unwrap(), skipped(Skip::Repeated));
        assert_eq!(stock.amount().await, 0);
    }
}

#[tokio::test]
async fn who_finds_too_little_is_refused_and_leaves_nothing() {
    let Some(mut stock) = Stock::open(2).await else { return };
    for op in [Action, Try, Message] {
        let called = stock.call(op, -3).await;
        assert!(matches!(called, Err(BranchError::RollBack(_))), "{called:?}");
    }
    let Err(BranchError::Retry(error)) = stock.call(Confirm, -3).await else {
        panic!("a confirm cannot say no")
    };
    assert!(matches!(error.downcast_ref(), Some(BarrierError::Lack { .. })), "{error}");
    let _: () = stock.connection.del(stock.key()).await.unwrap();
    assert!(matches!(stock.call(Action, -1).await, Err(BranchError::RollBack(_))), "the key is not there");
    assert!(matches!(stock.call(Action, 1).await, Err(BranchError::RollBack(_))), "the key is not there");
    assert_eq!(stock.get(&stock.key()).await, None);
    for op in [Action, Try, Confirm] {
        assert_eq!(stock.get(&stock.row("01", op)).await, None);
    }
}

#[tokio::test]
async fn a_compensation_never_fails_for_lack_of_balance() {
    // decision 20, defect B3
    let Some(mut stock) = Stock::open(0).await else { return };
    assert_eq!(stock.call(Action, 30).await.unwrap(), Called::Ran(()), "given");
    stock.set(&stock.key(), "10").await; // and spent
    assert_eq!(stock.call(Compensate, -30).await.unwrap(), Called::Ran(()));
    assert_eq!(stock.amount().await, -20);

    let Some(mut stock) = Stock::open(30).await else { return };
    assert_eq!(stock.call(Action, -30).await.unwrap(), Called::Ran(()), "taken");
    let _: () = stock.connection.del(stock.key()).await.unwrap();
    assert_eq!(stock.call(Compensate, 30).await.unwrap(), Called::Ran(()), "the key is gone");
    assert_eq!(stock.amount().await, 30);
}

#[tokio::test]
async fn who_gives_to_an_amount_below_zero_is_not_refused() {
    let Some(mut stock) = Stock::open(-20).await else { return };
    assert_eq!(stock.call(Action, 5).await.unwrap(), Called::Ran(()));
    assert_eq!(stock.amount().await, -15);
}

#[tokio::test]
async fn a_back_check_tells_what_ran_from_what_did_not_and_keeps_that_out() {
    let Some(mut stock) = Stock::open(100).await else { return };
    assert_eq!(stock.call(Message, -30).await.unwrap(), Called::Ran(()));
    for _ in 0..2 {
        assert_eq!(stock.back_check().await.unwrap(), Done);
    }
    assert_eq!(stock.call(Message, -30).await.unwrap(), skipped(Skip::Repeated));
    assert_eq!(stock.amount().await, 70);

    let Some(mut stock) = Stock::open(100).await else { return };
    for _ in 0..2 {
        assert!(matches!(stock.back_check().await, Err(BranchError::RollBack(_))));
    }
    assert!(matches!(stock.call(Message, -30).await, Err(BranchError::RollBack(_))));
    assert_eq!(stock.amount().await, 100);
    let wrong = stock.barrier(Action).redis_query_prepared(&mut stock.connection.clone(), HOUR).await;
    assert!(is_retry(&wrong), "{wrong:?}");
}

#[tokio::test]
async fn rows_of_go_are_honoured() {
    let Some(mut stock) = Stock::open(100).await else { return };
    stock.set(&stock.row("01", Action), "op").await;
    assert_eq!(stock.call(Action, -30).await.unwrap(), skipped(Skip::Repeated));
    assert_eq!(stock.call(Compensate, 30).await.unwrap(), Called::Ran(()));
    stock.set(&stock.row("01", Try), "rollback").await;
    assert_eq!(stock.call(Try, -30).await.unwrap(), skipped(Skip::Undone));
    stock.set(&stock.row("00", Message), "op").await;
    assert_eq!(stock.back_check().await.unwrap(), Done);
    stock.set(&stock.row("00", Message), "rollback").await;
    assert!(matches!(stock.back_check().await, Err(BranchError::RollBack(_))));
    assert_eq!(stock.amount().await, 130);
}

#[tokio::test]
async fn a_key_that_belongs_to_somebody_else_decides_nothing() {
    let Some(mut stock) = Stock::open(100).await else { return };
    stock.set(&stock.row("01", Action), "op another-gid").await;
    for (op, amount) in [(Action, -30), (Compensate, 30)] {
        let Err(BranchError::Retry(error)) = stock.call(op, amount).await else {
            panic!("{op} is another's")
        };
        assert!(matches!(error.downcast_ref(), Some(BarrierError::KeyInUse { .. })), "{error}");
    }
    assert_eq!(stock.amount().await, 100);
}

#[tokio::test]
async fn what_is_no_number_is_an_error_and_leaves_nothing() {
    let Some(mut stock) = Stock::open(0).await else { return };
    for value in ["many", "1.5", "9223372036854775807"] {
        stock.set(&stock.key(), value).await;
        let called = stock.call(Action, 1).await;
        assert!(is_retry(&called), "{value}: {called:?}");
        assert_eq!(stock.get(&stock.row("01", Action)).await, None, "{value}");
    }
    let amount = 9_007_199_254_740_993; // more than a double can tell from its neighbours
    stock.set(&stock.key(), &amount.to_string()).await;
    assert_eq!(stock.call(Action, -1).await.unwrap(), Called::Ran(()));
    assert_eq!(stock.amount().await, amount - 1);
}

#[tokio::test]
async fn rows_expire_when_they_were_told_to_and_the_amount_does_not() {
    let Some(mut stock) = Stock::open(100).await else { return };
    let _: () = stock.connection.persist(stock.key()).await.unwrap();
    assert_eq!(stock.call(Action, -30).await.unwrap(), Called::Ran(()));
    let row: i64 = stock.connection.ttl(stock.row("01", Action)).await.unwrap();
    let amount: i64 = stock.connection.ttl(stock.key()).await.unwrap();
    assert!((3_590..=3_600).contains(&row), "{row}");
    assert_eq!(amount, -1);
    stock.set(&stock.key(), "70").await;
    let mut barrier = stock.barrier(Try);
    let called = barrier.redis_adjust(&mut stock.connection.clone(), &stock.key(), 1, Duration::ZERO).await;
    assert!(is_retry(&called), "{called:?}");
    let again = barrier.redis_adjust(&mut stock.connection.clone(), &stock.key(), 1, HOUR).await;
    assert!(is_retry(&again), "a barrier that failed is not used again");
    assert_eq!(stock.amount().await, 70);
}

#[tokio::test]
async fn a_redis_that_has_forgotten_the_scripts_gets_them_again() {
    let Some(mut stock) = Stock::open(100).await else { return };
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut stock.connection).await.unwrap();
    assert_eq!(stock.call(Action, -30).await.unwrap(), Called::Ran(()));
    assert_eq!(stock.amount().await, 70);
}
