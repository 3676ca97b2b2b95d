//! Notices a run that turns in circles without letting virtual time go on: nothing inside the run could.

use std::process;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A run takes milliseconds; this is real time.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `work`; ends the process, after it has named the seed, when that takes too long.
pub(crate) fn watched<T>(seed: u64, work: impl FnOnce() -> T) -> T {
    let (done, waiting) = mpsc::channel::<()>();
    let dog = thread::spawn(move || {
        if waiting.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("seed {seed} turns in circles: it has run for {LIMIT:?}");
            process::abort();
        }
    });
    let result = work();
    drop(done);
    dog.join().expect("the watchdog does not panic");
    result
}
