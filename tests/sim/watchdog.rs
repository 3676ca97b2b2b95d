//! Notices a run that turns in circles without letting virtual time go on: nothing inside the run could.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// A run takes milliseconds. Real time, a beat at a time: while the machine holds the whole process up, the
/// dog's own beats are late, and those do not count.
const BEATS_MAX: u32 = 60;
const BEAT: Duration = Duration::from_secs(1);

/// Runs `work`; ends the process, after it has named the seed, when that takes too long.
pub(crate) fn watched<T>(seed: u64, work: impl FnOnce() -> T) -> T {
    let (done, waiting) = mpsc::channel::<()>();
    let dog = thread::spawn(move || {
        let mut beats = 0;
        while beats < BEATS_MAX {
            let begin = Instant::now();
            if waiting.recv_timeout(BEAT) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            beats += u32::from(begin.elapsed() < 2 * BEAT);
        }
        eprintln!("seed {seed} turns in circles: it has run for {BEATS_MAX} seconds");
        process::abort();
    });
    let result = work();
    drop(done);
    dog.join().expect("the watchdog does not panic");
    result
}
