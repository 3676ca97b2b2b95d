//! The queue against a backend that follows a script.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Backend, Config, GroupCommit, WriteStats};
use crate::Error;

/// What the backend does with its next batch; with an empty script it executes.
#[derive(Debug, Clone)]
enum Act {
    Execute,
    FailBatch(Error),
    Panic,
}

/// Remembers every batch; refuses `bad`, as a batch when it is one of several and by itself otherwise.
#[derive(Debug)]
struct Scripted {
    gate: Semaphore,
    script: Mutex<VecDeque<Act>>,
    batches: Mutex<Vec<Vec<u32>>>,
    bad: Option<u32>,
}

impl Scripted {
    fn new(gate: usize, script: impl IntoIterator<Item = Act>, bad: Option<u32>) -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(gate),
            script: Mutex::new(script.into_iter().collect()),
            batches: Mutex::default(),
            bad,
        })
    }

    fn batches(&self) -> Vec<Vec<u32>> {
        self.batches.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl Backend for Scripted {
    type Operation = u32;
    type Output = u32;

    async fn execute(&self, operations: Arc<Vec<u32>>) -> Result<Vec<Result<u32, Error>>, Error> {
        self.batches.lock().unwrap().push(operations.to_vec());
        self.gate.acquire().await.unwrap().forget();
        let act = self.script.lock().unwrap().pop_front().unwrap_or(Act::Execute);
        match act {
            Act::Panic => panic!("planted"),
            Act::FailBatch(error) => Err(error),
            Act::Execute => match self.bad {
                Some(bad) if operations.contains(&bad) => Err(rejected()),
                Some(_) | None => Ok(operations.iter().map(|operation| Ok(operation * 10)).collect()),
            },
        }
    }
}

fn rejected() -> Error {
    Error::Rejected { what: "row".to_owned(), detail: "too long".to_owned() }
}

fn config(committers: usize, queue_bound: usize) -> Config {
    Config {
        committers: NonZeroUsize::new(committers).unwrap(),
        queue_bound: NonZeroUsize::new(queue_bound).unwrap(),
        ..Config::default()
    }
}

/// Lets every other task run until all of them wait.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// One caller for each operation; the results in the order of the operations.
async fn all(
    queue: &Arc<GroupCommit<Scripted>>,
    backend: &Scripted,
    operations: std::ops::Range<u32>,
) -> Vec<Result<u32, Error>> {
    let mut callers = JoinSet::new();
    for operation in operations {
        let queue = Arc::clone(queue);
        callers.spawn(async move { (operation, queue.submit("gid", operation).await) });
    }
    settle().await;
    backend.gate.add_permits(1_000);
    let mut results = callers.join_all().await;
    results.sort_by_key(|(operation, _)| *operation);
    results.into_iter().map(|(_, result)| result).collect()
}

#[tokio::test]
async fn what_queues_up_behind_a_batch_is_one_batch_in_the_order_of_arrival() {
    let backend = Scripted::new(0, [], None);
    let queue = Arc::new(GroupCommit::start(&backend, config(1, 100)));
    let results = all(&queue, &backend, 0..50).await;
    assert_eq!(
        results.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
        (0..50).map(|n| n * 10).collect::<Vec<_>>()
    );
    let batches = backend.batches();
    assert!(batches.len() <= 2, "{batches:?}");
    assert_eq!(batches.concat(), (0..50).collect::<Vec<_>>());
    assert_eq!(queue.stats(), WriteStats { batches: batches.len() as u64, operations: 50 });
    assert_eq!(queue.queue_depth(), 0);
}

#[tokio::test]
async fn one_bad_operation_of_a_batch_fails_alone() {
    let backend = Scripted::new(0, [], Some(7));
    let queue = Arc::new(GroupCommit::start(&backend, config(1, 100)));
    let results = all(&queue, &backend, 0..20).await;
    for (operation, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), operation == 7, "{operation}: {result:?}");
    }
}

#[tokio::test]
async fn a_batch_that_may_have_happened_is_not_executed_again() {
    // a time-out is never a failure: executed again, a create that did happen would be refused
    let backend = Scripted::new(0, [Act::FailBatch(Error::Unavailable("time-out".to_owned()))], None);
    let queue = Arc::new(GroupCommit::start(&backend, config(1, 100)));
    let results = all(&queue, &backend, 0..20).await;
    let batches = backend.batches();
    assert_eq!(batches.concat().len(), 20, "each operation was executed once: {batches:?}");
    let unknown = results.iter().filter(|result| matches!(result, Err(Error::Unavailable(_)))).count();
    assert_eq!(unknown, batches[0].len());
}

#[tokio::test]
async fn when_an_operation_may_have_happened_the_rest_of_its_batch_is_not_tried() {
    let time_out = || Act::FailBatch(Error::Unavailable("time-out".to_owned()));
    let backend = Scripted::new(0, [Act::FailBatch(rejected()), Act::Execute, time_out()], None);
    let queue = Arc::new(GroupCommit::start(&backend, config(1, 100)));
    let results = all(&queue, &backend, 0..10).await;
    let batches = backend.batches();
    let first = batches[0].len();
    assert!(first >= 3, "{batches:?}");
    assert!(results[0].is_ok(), "{results:?}");
    assert!(results[1..first].iter().all(|r| matches!(r, Err(Error::Unavailable(_)))), "{results:?}");
    assert_eq!(batches[1..3], [vec![0], vec![1]]);
}

#[tokio::test]
async fn a_panic_of_the_backend_is_an_answer_and_the_next_batch_is_written() {
    let backend = Scripted::new(10, [Act::Panic], None);
    let queue = GroupCommit::start(&backend, config(1, 100));
    assert!(matches!(queue.submit("gid", 1).await, Err(Error::Unavailable(_))));
    assert_eq!(queue.submit("gid", 2).await.unwrap(), 20);
}

#[tokio::test]
async fn past_the_bound_callers_wait_and_the_depth_shows_it() {
    let backend = Scripted::new(0, [], None);
    let queue = Arc::new(GroupCommit::start(&backend, config(1, 4)));
    let mut callers = JoinSet::new();
    for operation in 0..20 {
        let queue = Arc::clone(&queue);
        callers.spawn(async move { queue.submit("gid", operation).await });
    }
    settle().await;
    // the first batch is in execution, four wait behind it, the others wait for room
    let executing = backend.batches()[0].len();
    assert_eq!(queue.queue_depth(), executing + 4);
    backend.gate.add_permits(100);
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(queue.queue_depth(), 0);
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nothing_with_it() {
    let backend = Scripted::new(0, [], None);
    let queue = Arc::new(GroupCommit::start(&backend, config(1, 2)));
    let spawn = |operation| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { queue.submit("gid", operation).await })
    };
    let callers: Vec<_> = (0..6).map(spawn).collect();
    settle().await;
    let accepted = queue.queue_depth();
    for caller in &callers {
        caller.abort();
    }
    settle().await;
    let last = spawn(100);
    settle().await;
    backend.gate.add_permits(100);
    assert_eq!(last.await.unwrap().unwrap(), 1_000);
    let executed = backend.batches().concat();
    assert_eq!(executed.len(), accepted + 1, "what was accepted is executed, what waited for room is not");
    assert_eq!(queue.queue_depth(), 0);
}

#[tokio::test]
async fn closing_drains_what_was_accepted_and_refuses_the_rest() {
    let backend = Scripted::new(0, [], None);
    let queue = Arc::new(GroupCommit::start(&backend, config(2, 100)));
    let mut callers = JoinSet::new();
    for operation in 0..30_u32 {
        let queue = Arc::clone(&queue);
        callers.spawn(async move { queue.submit(&operation.to_string(), operation).await });
    }
    settle().await;
    let closing = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { tokio::join!(queue.close(), queue.close()) }
    });
    settle().await;
    backend.gate.add_permits(100);
    closing.await.unwrap();
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(backend.batches().concat().len(), 30);
    let refused = queue.submit("late", 1).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
}

#[tokio::test]
async fn one_route_keeps_its_order_whatever_the_number_of_committers() {
    let backend = Scripted::new(1_000, [], None);
    let queue = Arc::new(GroupCommit::start(&backend, config(2, 100)));
    let mut callers = JoinSet::new();
    for route in 0..10_u32 {
        let queue = Arc::clone(&queue);
        callers.spawn(async move {
            for step in 0..10 {
                queue.submit(&format!("gid-{route}"), route * 100 + step).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    let order = backend.batches().concat();
    for route in 0..10 {
        let own: Vec<u32> = order.iter().copied().filter(|operation| operation / 100 == route).collect();
        assert_eq!(own, (route * 100..route * 100 + 10).collect::<Vec<_>>());
    }
}
