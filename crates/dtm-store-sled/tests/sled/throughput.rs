//! How fast it is: `cargo test --release -p dtm-store-sled --test sled -- --ignored --nocapture throughput`

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use dtm_store::{Store as _, TransactionStore as _};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{finish, open, saga};

const TASKS: usize = 100;
const TRANSACTIONS: usize = 200_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; it takes half a minute"]
async fn creations_and_ends_per_second_with_a_hundred_tasks() {
    // on the disk of the build, because the folder for temporary files may be in memory
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Arc::new(open(folder.path()).await.unwrap());
    println!("opened, {} MB resident", resident_megabytes());
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for index in 0..TRANSACTIONS / TASKS {
                let new = saga(&format!("{index:x}-{task}-{}", index.wrapping_mul(0x9E37_79B9) % 65_537));
                store.create(new.clone()).await.unwrap();
                store.commit(finish(&new)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let seconds = start.elapsed().as_secs_f64();
    let stats = store.write_stats();
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let (rate, batch) = (TRANSACTIONS as f64 / seconds, stats.operations as f64 / stats.batches as f64);
    println!("{rate:.0} transactions/s, {batch:.1} operations a batch, {} MB resident", resident_megabytes());
    println!("process CPU {:.1} us a transaction", cpu_seconds() * 1e6 / 200_000.0);
    println!("{} MB on disk", size(folder.path()) >> 20);
    store.close().await.unwrap();
    drop(store);
    let start = Instant::now();
    let store = open(folder.path()).await.unwrap();
    println!("opened again in {:?}, {} MB resident", start.elapsed(), resident_megabytes());
    store.close().await.unwrap();
}

/// What Linux says; 0 where there is no such thing.
fn resident_megabytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_else(|_| String::new());
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) >> 10
}

/// User and system time in seconds, at the usual hundred ticks each.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_else(|_| String::new());
    stat.rsplit(')').next().map_or(0.0, |rest| {
        rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
            / 100.0
    })
}

fn size(folder: &Path) -> u64 {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                size(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}
