//! Batches that are one statement: it writes all, or who is to blame is found out.

use std::sync::Arc;

use dtm_core::model::Status;
use dtm_store::{Commit, Error, NewTransaction, Store as _, TokenSource, TransactionStore as _};
use dtm_store_sql::SqlStore;
use tokio::task::JoinHandle;

use super::support::Database;
use super::trouble::lock;
use crate::fixtures::{finish, gid, join, saga};

type Answer = Result<(), Error>;

struct Case {
    store: Arc<SqlStore>,
    tokens: TokenSource,
    new: Vec<NewTransaction>,
}

impl Case {
    /// With one transaction in the way, and so many others.
    async fn with(database: &Database, others: usize) -> Self {
        let store = Arc::new(SqlStore::open(database.config()).await.unwrap());
        let tokens = join(&store, "a").await;
        let new: Vec<_> = (0..=others).map(|index| saga(&format!("g{index:03}"), &tokens, true)).collect();
        for new in &new {
            store.create(new.clone()).await.unwrap();
        }
        Self { store, tokens, new }
    }

    fn commit(&self, commit: Commit) -> JoinHandle<Answer> {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move { store.commit(commit).await })
    }

    /// The answers to commits that were one batch: all of them waited while the first transaction was locked.
    async fn batch(&self, database: &Database, commits: Vec<Commit>) -> Vec<Answer> {
        let mut rival = database.connect().await;
        lock(&mut rival, "START TRANSACTION", "g000").await;
        let first = self.commit(finish(&self.new[0]));
        while self.store.queue_depth() < 1 {
            tokio::task::yield_now().await;
        }
        let batches = || self.store.write_stats().batches;
        let before = batches();
        let count = commits.len() + 1;
        let others: Vec<_> = commits.into_iter().map(|commit| self.commit(commit)).collect();
        while self.store.queue_depth() < count {
            tokio::task::yield_now().await;
        }
        sqlx::raw_sql("ROLLBACK").execute(&mut rival).await.unwrap();
        first.await.unwrap().unwrap();
        let mut answers = Vec::new();
        for other in others {
            answers.push(other.await.unwrap());
        }
        assert!(batches() <= before + 2, "the others were to be one batch");
        answers
    }

    async fn status(&self, index: usize) -> Status {
        let stored = self.store.load(self.new[index].transaction.gid()).await.unwrap().unwrap();
        stored.transaction.state.status
    }
}

// given a batch of states, when each row is as its write expects it, then all are written
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_of_any_number_are_written_each_to_its_own_transaction() {
    for others in [2, 7, 32, 33, 70] {
        let Some(database) = Database::create().await else { return };
        let case = Case::with(&database, others).await;
        let commits = case.new[1..].iter().enumerate().map(|(index, new)| {
            let mut commit = finish(new);
            commit.state.reason = Some(format!("reason {index}"));
            commit
        });
        let answers = case.batch(&database, commits.collect()).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        for (index, new) in case.new[1..].iter().enumerate() {
            let stored = case.store.load(new.transaction.gid()).await.unwrap().unwrap();
            assert_eq!(stored.transaction.state.status, Status::Succeed);
            assert_eq!(stored.transaction.state.reason, Some(format!("reason {index}")));
            assert_eq!((stored.due, stored.owner.token), (None, new.owner.token.clone()));
        }
        case.store.close().await.unwrap();
    }
}

// decision 15: a write that changed no row is a conflict, and its neighbours are written
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_conflicts_is_a_conflict_and_its_neighbours_are_written() {
    let Some(database) = Database::create().await else { return };
    let case = Case::with(&database, 6).await;
    let mut commits: Vec<Commit> = case.new[1..].iter().map(finish).collect();
    commits[1].expect.owner = case.tokens.fresh();
    commits[3].expect.status = Status::Aborting;
    commits[4].expect.registered = 1;
    let answers = case.batch(&database, commits).await;
    for (index, answer) in answers.iter().enumerate() {
        let conflicts = [1, 3, 4].contains(&index);
        assert_eq!(matches!(answer, Err(Error::Conflict { .. })), conflicts, "{index}: {answer:?}");
        assert_eq!(answer.is_ok(), !conflicts, "{index}: {answer:?}");
        let expected = if conflicts { Status::Submitted } else { Status::Succeed };
        assert_eq!(case.status(index + 1).await, expected, "{index}");
    }
    case.store.close().await.unwrap();
}

// decision 15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_of_what_is_not_there_is_not_found_and_its_neighbours_are_written() {
    let Some(database) = Database::create().await else { return };
    let case = Case::with(&database, 4).await;
    let mut commits: Vec<Commit> = case.new[1..].iter().map(finish).collect();
    commits[2].gid = gid("nowhere");
    let answers = case.batch(&database, commits).await;
    for (index, answer) in answers.iter().enumerate() {
        let missing = index == 2;
        assert_eq!(matches!(answer, Err(Error::NotFound(_))), missing, "{index}: {answer:?}");
        assert_eq!(answer.is_ok(), !missing, "{index}: {answer:?}");
    }
    assert_eq!(case.status(3).await, Status::Submitted);
    assert!(case.store.load(&gid("nowhere")).await.unwrap().is_none());
    case.store.close().await.unwrap();
}
