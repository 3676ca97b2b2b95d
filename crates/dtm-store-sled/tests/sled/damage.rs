//! What a flipped byte or a lost end of a file does: it stops the start, or it is noticed, or it changes nothing.
//! It never makes an acknowledged transaction disappear or turn into something else.

use std::fs;
use std::path::{Path, PathBuf};

use dtm_store::{
    Error, NodeName, NodeStore as _, Store as _, Stored, TopicStore as _, TransactionStore as _,
};
use tempfile::TempDir;

use crate::support::{copy, database, fill, finish, gid, open, saga};

const COUNT: usize = 300;

async fn filled(path: &Path) -> Vec<Stored> {
    let store = open(path).await.unwrap();
    fill(&store, 0, COUNT).await;
    let mut stored = Vec::new();
    for index in 0..COUNT {
        stored.push(store.load(&gid(&format!("g{index}"))).await.unwrap().unwrap());
    }
    store.close().await.unwrap();
    stored
}

/// Whether the start was refused. If it was not, everything has to be as it was, or be an error.
async fn is_refused(path: &Path, expected: &[Stored], what: &str) -> bool {
    let store = match open(path).await {
        Ok(store) => store,
        Err(Error::Fatal(message)) => {
            assert!(message.contains("damaged") && message.contains("backup"), "{what}: {message}");
            return true;
        }
        Err(other) => panic!("{what}: {other:?}"),
    };
    for stored in expected {
        match store.load(stored.transaction.gid()).await {
            Ok(Some(found)) => assert_eq!(&found, stored, "{what}"),
            Ok(None) => panic!("{what}: {} was acknowledged and has disappeared", stored.transaction.gid()),
            Err(Error::Damaged { .. } | Error::Fatal(_)) => {}
            Err(other) => panic!("{what}: {other:?}"),
        }
    }
    false
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_anywhere_never_makes_an_acknowledged_transaction_disappear() {
    let folder = TempDir::new().unwrap();
    let whole = folder.path().join("whole");
    let expected = filled(&whole).await;
    let (mut refused, mut number) = (0, 0);
    for file in files(&whole) {
        let name = file.strip_prefix(&whole).unwrap();
        if name == Path::new("LOCK") {
            continue;
        }
        let length = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
        // many places of the log, some of the others, each with its first and last byte
        let places = if name.ends_with("db") { 60 } else { 6 };
        for place in 0..places.min(length) {
            let at = place * (length - 1) / (places.min(length) - 1).max(1);
            let path = folder.path().join(number.to_string());
            number += 1;
            copy(&whole, &path);
            let mut bytes = fs::read(path.join(name)).unwrap();
            bytes[at] ^= 0x55;
            fs::write(path.join(name), bytes).unwrap();
            let what = format!("byte {at} of {length} of {}", name.display());
            refused += usize::from(is_refused(&path, &expected, &what).await);
            fs::remove_dir_all(&path).unwrap();
        }
    }
    assert!(refused > 10, "most of them are noticed at the start: {refused} of {number}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_has_lost_its_end_is_refused() {
    // sled takes the rest for the whole; the mark knows better
    let folder = TempDir::new().unwrap();
    let whole = folder.path().join("whole");
    let store = open(&whole).await.unwrap();
    fill(&store, 0, 50).await;
    let early = folder.path().join("early");
    copy(&whole, &early);
    fill(&store, 50, 100).await;
    store.close().await.unwrap();
    // the database of before, the mark of now
    fs::copy(whole.join("mark"), early.join("mark")).unwrap();
    let message = crate::support::refusal(&early).await;
    assert!(message.contains("acknowledged"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_missing_or_older_than_it_should_be_stops_the_start() {
    // some flipped bytes make sled forget an entry, or remember an older one, without a word
    let folder = TempDir::new().unwrap();
    let whole = folder.path().join("whole");
    let store = open(&whole).await.unwrap();
    let new = saga("old");
    store.create(new.clone()).await.unwrap();
    let early = folder.path().join("early");
    copy(&whole, &early);
    fill(&store, 0, 20).await;
    store.commit(finish(&new)).await.unwrap();
    store.save_topic("t", &[], None).await.unwrap();
    store.join(&NodeName::parse("a").unwrap()).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    // until then all of it may be in the journal only
    open(&early).await.unwrap().close().await.unwrap();

    let database = database(&early).await;
    let (key, unfinished) = database.scan_prefix("s").next().unwrap().unwrap();
    drop(database);
    let change = |name: &str, change: &dyn Fn(&sled::Db)| {
        let path = folder.path().join(name);
        copy(&whole, &path);
        let database = sled::open(path.join("sled")).unwrap();
        change(&database);
        database.flush().unwrap();
        path
    };
    let older = change("older", &|database| {
        database.insert(&key, unfinished.clone()).unwrap();
    });
    let mut changed = vec![older];
    for kind in ["s", "g", "t", "n", "m"] {
        changed.push(change(kind, &|database| {
            let key = database.scan_prefix(kind).keys().next().unwrap().unwrap();
            database.remove(key).unwrap().unwrap();
        }));
    }
    for path in changed {
        let message = crate::support::refusal(&path).await;
        assert!(message.contains("damaged"), "{message}");
    }
    let unchanged = change("unchanged", &|_| ());
    open(&unchanged).await.unwrap();
}
