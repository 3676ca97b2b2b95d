//! What goes wrong between a server and its store.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::chance::Chance;

/// The faults of one run. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Faults(Arc<Mutex<Dice>>);

#[derive(Debug)]
struct Dice {
    chance: Chance,
    on: bool,
    /// In how many of a hundred operations something goes wrong.
    percent: u32,
    /// Whether operations may take their time.
    slow: bool,
    /// In how many of a thousand calls of a branch the server panics.
    panics: u32,
    /// After how many writes the process dies.
    crash_in: Option<u64>,
    /// How long the answer of the next write, and of the next read, is on its way, also when nothing else goes wrong.
    late_answers: [Option<Duration>; 2],
}

/// What goes wrong with one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and did not happen.
    FailsBefore,
    /// It fails and happened all the same.
    FailsAfter,
    /// It fails, and happens that much later (writes only).
    Late(Duration),
    /// The process dies, and it did not happen.
    CrashBefore,
    /// The process dies, and it happened.
    CrashAfter,
}

/// How an operation goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) fault: Option<Fault>,
    pub(crate) before: Duration,
    pub(crate) after: Duration,
}

impl Faults {
    pub(crate) fn new(mut chance: Chance) -> Self {
        let percent = chance.one_of(&[0, 1, 3, 8]);
        let slow = chance.percent(60);
        let panics = if chance.percent(10) { 15 } else { 0 };
        Self(Arc::new(Mutex::new(Dice {
            chance,
            on: true,
            percent,
            slow,
            panics,
            crash_in: None,
            late_answers: [None; 2],
        })))
    }

    /// Nothing goes wrong any more.
    pub(crate) fn end(&self) {
        let mut dice = self.0.lock();
        dice.on = false;
        dice.crash_in = None;
    }

    /// The answer of the next write takes so long.
    pub(crate) fn answer_next_write_after(&self, span: Duration) {
        self.0.lock().late_answers[0] = Some(span);
    }

    /// The answer of the next read takes so long.
    pub(crate) fn answer_next_read_after(&self, span: Duration) {
        self.0.lock().late_answers[1] = Some(span);
    }

    /// The process dies at the `writes`-th write from now.
    pub(crate) fn crash_in(&self, writes: u64) {
        let mut dice = self.0.lock();
        dice.crash_in = dice.on.then_some(writes);
    }

    /// Whether the server has a defect that shows in this call of a branch.
    pub(crate) fn panics(&self) -> bool {
        let mut dice = self.0.lock();
        dice.on && dice.panics > 0 && dice.chance.between(0, 999) < u64::from(dice.panics)
    }

    pub(crate) fn of_read(&self) -> Fate {
        let mut dice = self.0.lock();
        if let Some(after) = dice.late_answers[1].take() {
            return Fate { fault: None, before: Duration::ZERO, after };
        }
        let fault = dice.strikes().then_some(Fault::FailsBefore);
        dice.fate(fault)
    }

    pub(crate) fn of_write(&self) -> Fate {
        let mut dice = self.0.lock();
        if let Some(after) = dice.late_answers[0].take() {
            return Fate { fault: None, before: Duration::ZERO, after };
        }
        if let Some(left) = dice.crash_in {
            dice.crash_in = left.checked_sub(1).filter(|left| *left > 0);
            if dice.crash_in.is_none() {
                let fault = dice.chance.one_of(&[Fault::CrashBefore, Fault::CrashAfter]);
                return dice.fate(Some(fault));
            }
        }
        let fault = dice.strikes().then(|| {
            let span = dice.chance.millis(1, 400);
            dice.chance.one_of(&[Fault::FailsBefore, Fault::FailsAfter, Fault::FailsAfter, Fault::Late(span)])
        });
        dice.fate(fault)
    }
}

impl Dice {
    fn strikes(&mut self) -> bool {
        self.on && self.chance.percent(self.percent)
    }

    fn fate(&mut self, fault: Option<Fault>) -> Fate {
        if !(self.on && self.slow) {
            return Fate { fault, before: Duration::ZERO, after: Duration::ZERO };
        }
        let longest = match self.chance.between(0, 199) {
            0 => 6_000, // a disk that stalls for longer than a server may be silent
            1..=6 => 1_500,
            _ => 8,
        };
        let (before, after) = (self.chance.millis(0, longest), self.chance.millis(0, longest));
        Fate { fault, before, after }
    }
}
