//! Every acknowledged write is on disk: what is there at the moment of the answer is enough.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use dtm_core::model::Status;
use dtm_store::{Store as _, TransactionStore as _};
use tempfile::TempDir;

use crate::support::{copy, fill, finish, gid, open, saga};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_folder_at_the_moment_of_an_answer_has_everything_answered() {
    let folder = TempDir::new().unwrap();
    let live = folder.path().join("live");
    let store = open(&live).await.unwrap();
    let mut count = 0;
    for round in 0..8 {
        fill(&store, count, count + 37).await;
        count += 37;
        let copied = folder.path().join(round.to_string());
        copy(&live, &copied);
        let after_crash = open(&copied).await.unwrap();
        for index in 0..count {
            let stored = after_crash.load(&gid(&format!("g{index}"))).await.unwrap().unwrap();
            let expected = if index % 3 == 0 { Status::Succeed } else { Status::Submitted };
            assert_eq!(stored.transaction.status(), expected, "g{index} in round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_leaves_everything_that_it_acknowledged() {
    let folder = TempDir::new().unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..4 {
        acknowledged.extend(write_until_killed(folder.path(), round, 400 + 150 * round));
        let store = open(folder.path()).await.unwrap();
        for gid_text in &acknowledged {
            let stored = store.load(&gid(gid_text)).await.unwrap();
            assert!(
                stored.is_some_and(|stored| stored.transaction.status() == Status::Succeed),
                "{gid_text}"
            );
        }
        store.close().await.unwrap();
    }
    assert!(acknowledged.len() >= 2_000);
}

/// Starts a process that writes, and kills it in the middle of it; gives what it has reported as acknowledged.
fn write_until_killed(folder: &Path, round: usize, lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "kill::the_process_that_is_killed"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{round} {}", folder.display()).unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap());
    let acknowledged =
        answers.lines().map_while(Result::ok).filter_map(|line| Some(line.strip_prefix("ack ")?.to_owned()));
    let acknowledged: Vec<String> = acknowledged.take(lines).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(acknowledged.len(), lines, "the process wrote until it was killed");
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by a_process_that_is_killed_leaves_everything_that_it_acknowledged, by itself it waits for ever"]
async fn the_process_that_is_killed() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let (round, folder) = line.trim().split_once(' ').unwrap();
    let store = std::sync::Arc::new(open(Path::new(folder)).await.unwrap());
    let writers = (0..20).map(|writer| {
        let (store, round) = (std::sync::Arc::clone(&store), round.to_owned());
        tokio::spawn(async move {
            for index in 0.. {
                let new = saga(&format!("g-{round}-{writer}-{index}"));
                store.create(new.clone()).await.unwrap();
                store.commit(finish(&new)).await.unwrap();
                println!("ack {}", new.transaction.gid());
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for writer in writers {
        writer.await.unwrap();
    }
}
