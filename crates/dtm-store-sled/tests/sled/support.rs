//! Folders, stores and transactions for the cases.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dtm_core::coordinator::Policy;
use dtm_core::model::{
    Definition, Gid, Options, Ordering, Plan, Protocol, Seconds, Status, Step, Transaction,
};
use dtm_store::{
    Commit, Epoch, Error, Expect, NewOwner, NewTransaction, NodeName, OwnerToken, Ownership,
    TransactionStore as _,
};
use dtm_store_sled::{SledConfig, SledStore};
use dtm_testkit::{ManualClock, START};

/// With a journal that turns often.
pub(crate) fn config(path: &Path) -> SledConfig {
    let clock = Arc::new(ManualClock::default());
    SledConfig { clock, journal_bytes: 64 << 10, ..SledConfig::new(path) }
}

pub(crate) async fn open(path: &Path) -> Result<SledStore, Error> {
    SledStore::open(config(path)).await
}

/// The message of the error that has to stop the start.
pub(crate) async fn refusal(path: &Path) -> String {
    match open(path).await {
        Err(Error::Fatal(message)) => {
            assert!(message.contains(&path.display().to_string()), "it names the folder: {message}");
            message
        }
        other => panic!("the start should have been refused: {other:?}"),
    }
}

/// What is on disk now, as after a crash: everything but the lock.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "LOCK" {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// sled's own files in a folder that no store has open. Threads of the store that had it may keep their lock for a
/// moment longer, and their end cannot be watched.
pub(crate) async fn database(folder: &Path) -> sled::Db {
    loop {
        match sled::open(folder.join("sled")) {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            opened => return opened.unwrap(),
        }
    }
}

pub(crate) fn gid(text: &str) -> Gid {
    Gid::parse(text).unwrap()
}

pub(crate) fn token(counter: u64) -> OwnerToken {
    OwnerToken { node: NodeName::parse("a").unwrap(), epoch: Epoch(1), counter }
}

pub(crate) fn saga(id: &str) -> NewTransaction {
    let steps = vec![
        Step::new(
            "http://127.0.0.1:8081/stock/deduct",
            "http://127.0.0.1:8081/stock/refund",
            r#"{"amount":30}"#,
        ),
        Step::new(
            "http://127.0.0.1:8082/bank/debit",
            "http://127.0.0.1:8082/bank/credit",
            r#"{"amount":30}"#,
        ),
    ];
    let definition = Definition {
        gid: gid(id),
        protocol: Protocol::Http,
        plan: Plan::Saga { steps, ordering: Ordering::Sequential },
        options: Options::default(),
        custom_data: String::new(),
        created_at: START,
    };
    NewTransaction {
        transaction: Transaction::submitted(definition, &Policy::default()),
        owner: Ownership { token: token(1), held: true },
        due: START.plus(Seconds::new(10)),
    }
}

/// The write that ends what [`saga`] has made.
pub(crate) fn finish(new: &NewTransaction) -> Commit {
    let mut state = new.transaction.state.clone();
    state.status = Status::Succeed;
    state.finished_at = Some(START);
    Commit {
        gid: new.transaction.gid().clone(),
        expect: Expect { status: Status::Submitted, owner: new.owner.token.clone(), registered: 0 },
        state,
        owner: NewOwner::Keep,
        due: None,
    }
}

/// Creates transactions one after the other; every third is finished.
pub(crate) async fn fill(store: &SledStore, from: usize, to: usize) {
    for index in from..to {
        let new = saga(&format!("g{index}"));
        store.create(new.clone()).await.unwrap();
        if index % 3 == 0 {
            store.commit(finish(&new)).await.unwrap();
        }
    }
}
