//! Many seeds, and one with its trace.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use parking_lot::Mutex;

use crate::arguments;
use crate::run::run;

/// How many failing seeds are enough to stop.
const FAILURES_MAX: usize = 5;

#[test]
fn many_seeds_keep_every_invariant() {
    let (count, next) = (arguments::seeds(), AtomicU64::new(0));
    let complaints = Mutex::new(Vec::new());
    let (operations, most) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count || complaints.lock().len() >= FAILURES_MAX {
                        break;
                    }
                    let report = run(seed, None);
                    operations.fetch_add(report.operations, Ordering::Relaxed);
                    most.fetch_max(report.operations, Ordering::Relaxed);
                    if report.failed() {
                        complaints.lock().push((seed, report.complaint()));
                    }
                }
            });
        }
    });
    let mut complaints = complaints.into_inner();
    complaints.sort();
    let text: String = complaints.into_iter().map(|(_, complaint)| complaint).collect();
    assert!(text.is_empty(), "\n{text}");
    let (operations, most) = (operations.into_inner(), most.into_inner());
    println!("{count} seeds, {operations} operations of the store, at most {most} in one seed");
}

#[test]
fn one_seed_keeps_every_invariant_and_shows_its_trace() {
    let Some(seed) = arguments::seed() else { return };
    let report = run(seed, None);
    println!("{}", report.trace());
    assert!(!report.failed(), "\n{}", report.complaint());
}
