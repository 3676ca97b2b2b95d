//! What a flipped byte or a lost end of a file does: it stops the start, or it is noticed, or it changes nothing.
//! It never makes an acknowledged transaction disappear or turn into something else.

use std::fs;
use std::path::{Path, PathBuf};

use dtm_store::{Error, Store as _, Stored, TransactionStore as _};
use tempfile::TempDir;

use crate::support::{copy, fill, gid, open};

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
async fn a_missing_entry_of_an_unfinished_transaction_stops_the_start() {
    let folder = TempDir::new().unwrap();
    let whole = folder.path().join("whole");
    filled(&whole).await;
    for kind in [b"s", b"d", b"g", b"a", b"m"] {
        let path = folder.path().join(char::from(kind[0]).to_string());
        copy(&whole, &path);
        let database = sled::open(path.join("sled")).unwrap();
        // the latest is unfinished: its number is not a multiple of three
        let key = if kind == b"g" {
            b"g".iter().chain(format!("g{}", COUNT - 1).as_bytes()).copied().collect()
        } else {
            database.scan_prefix(kind).keys().last().unwrap().unwrap().to_vec()
        };
        database.remove(key).unwrap().unwrap();
        database.flush().unwrap();
        drop(database);
        let message = crate::support::refusal(&path).await;
        assert!(message.contains("damaged"), "{message}");
    }
}
