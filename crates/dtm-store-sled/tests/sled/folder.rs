//! Who may use a folder, and which folders can be used.

use std::fs;
use std::time::Duration;

use dtm_store::{Store as _, TransactionStore as _};
use tempfile::TempDir;

use crate::support::{copy, gid, open, refusal, saga};

#[tokio::test]
async fn the_second_server_on_a_folder_is_refused_and_told_who_holds_it() {
    let folder = TempDir::new().unwrap();
    let first = open(folder.path()).await.unwrap();
    let message = refusal(folder.path()).await;
    assert!(message.contains(&format!("pid {}", std::process::id())), "{message}");
    assert!(message.contains("Store.Path"), "it says what to do: {message}");
    first.create(saga("g")).await.unwrap();
    first.close().await.unwrap();
    let second = open(folder.path()).await.unwrap();
    assert!(second.load(&gid("g")).await.unwrap().is_some());
}

/// Threads of a sled that was just closed, and processes that were just forked, hold the lock for a moment longer.
#[tokio::test]
async fn a_lock_that_outlives_its_holder_for_a_moment_is_waited_for() {
    let folder = TempDir::new().unwrap();
    open(folder.path()).await.unwrap().close().await.unwrap();
    let straggler = fs::File::open(folder.path().join("sled/db")).unwrap();
    straggler.lock().unwrap();
    let opening = tokio::spawn({
        let path = folder.path().to_owned();
        async move { open(&path).await }
    });
    // what it waits for cannot be watched: sled tries and gives up without a word
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!opening.is_finished(), "the database was opened although somebody else has locked it");
    drop(straggler);
    opening.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_program_that_holds_the_database_open_is_not_taken_for_damage() {
    let folder = TempDir::new().unwrap();
    open(folder.path()).await.unwrap().close().await.unwrap();
    let other = fs::File::open(folder.path().join("sled/db")).unwrap();
    other.lock().unwrap();
    let message = refusal(folder.path()).await;
    assert!(message.contains("end that program") && !message.contains("damaged"), "{message}");
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_created() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b/c");
    let store = open(&path).await.unwrap();
    store.create(saga("g")).await.unwrap();
    store.close().await.unwrap();
    assert!(fs::read_to_string(path.join("format")).unwrap().starts_with("dtm store, format 2\n"));
}

#[tokio::test]
async fn a_folder_of_a_newer_format_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    open(folder.path()).await.unwrap().close().await.unwrap();
    fs::write(folder.path().join("format"), "dtm store, format 3\n").unwrap();
    let message = refusal(folder.path()).await;
    assert!(message.contains("format 3") && message.contains("newer"), "{message}");
    assert_eq!(fs::read_to_string(folder.path().join("format")).unwrap(), "dtm store, format 3\n");
}

#[tokio::test]
async fn a_folder_of_before_the_journal_is_taken_over() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await.unwrap();
    store.create(saga("before")).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    // format 1 had everything else as it is
    for part in ["journal.0", "journal.1"] {
        fs::remove_file(folder.path().join(part)).unwrap();
    }
    fs::write(folder.path().join("format"), "dtm store, format 1\n").unwrap();

    let store = open(folder.path()).await.unwrap();
    store.create(saga("after")).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    assert!(fs::read_to_string(folder.path().join("format")).unwrap().starts_with("dtm store, format 2\n"));
    let store = open(folder.path()).await.unwrap();
    for name in ["before", "after"] {
        assert!(store.load(&gid(name)).await.unwrap().is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_folder_of_something_else_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("thesis.tex"), "important").unwrap();
    let message = refusal(folder.path()).await;
    assert!(message.contains("thesis.tex"), "{message}");
    assert!(!folder.path().join("sled").exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "not a folder").unwrap();
    let message = refusal(&path).await;
    assert!(message.contains("check that the folder exists"), "{message}");
}

#[tokio::test]
async fn a_folder_from_which_a_file_is_missing_is_refused() {
    let folder = TempDir::new().unwrap();
    let whole = folder.path().join("whole");
    let store = open(&whole).await.unwrap();
    store.create(saga("g")).await.unwrap();
    store.close().await.unwrap();
    for missing in ["format", "mark", "journal.0", "journal.1", "sled/db", "sled"] {
        let path = folder.path().join(missing.replace('/', "-"));
        copy(&whole, &path);
        let victim = path.join(missing);
        if victim.is_dir() {
            fs::remove_dir_all(victim).unwrap()
        } else {
            fs::remove_file(victim).unwrap()
        }
        let message = refusal(&path).await;
        assert!(message.contains("damaged") && message.contains("backup"), "{missing}: {message}");
    }
}

#[tokio::test]
async fn a_start_that_died_before_the_folder_was_complete_can_be_repeated() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("LOCK"), "pid 1\n").unwrap();
    fs::write(folder.path().join("mark"), "").unwrap();
    fs::write(folder.path().join("format.new"), "dtm st").unwrap();
    fs::write(folder.path().join("journal.0"), "").unwrap();
    drop(sled::open(folder.path().join("sled")).unwrap());
    let store = open(folder.path()).await.unwrap();
    store.create(saga("g")).await.unwrap();
    store.close().await.unwrap();
    open(folder.path()).await.unwrap();
}
