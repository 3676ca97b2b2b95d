//! The medium that makes the faults.

use std::collections::BTreeMap;
use std::time::Duration;

use dtm_store::{Error, WriteStats};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::FaultPlan;
use crate::memory::{Before, Medium, Tables};

/// Tables behind calls that are late, fail, or get lost.
///
/// A write is under way until its answer is given, and a crash may take it back. An answer, to a write or to a
/// read, makes durable whatever it may be based on.
#[derive(Debug)]
pub struct Faults(Mutex<World>);

#[derive(Debug)]
struct World {
    plan: FaultPlan,
    random: StdRng,
    /// What a caller sees.
    present: Tables,
    /// What each write has replaced that is not acknowledged yet, by its number. A crash may take it back.
    under_way: BTreeMap<u64, Vec<Before>>,
    /// Numbers the writes since the store was opened.
    writes: u64,
    crashed: bool,
    closed: bool,
}

/// What is decided about a call when it arrives.
struct Fate {
    fails: bool,
    answer_is_lost: bool,
    delay_before: Duration,
    delay_behind: Duration,
}

impl Faults {
    pub(super) fn new(plan: FaultPlan, content: Tables) -> Self {
        let random = StdRng::seed_from_u64(plan.seed);
        Self(Mutex::new(World {
            plan,
            random,
            present: content,
            under_way: BTreeMap::new(),
            writes: 0,
            crashed: false,
            closed: false,
        }))
    }

    pub(super) fn replace_plan(&self, plan: FaultPlan) {
        let mut world = self.0.lock();
        world.random = StdRng::seed_from_u64(plan.seed);
        world.plan = plan;
    }

    pub(super) fn crash(&self, loses_unacknowledged: bool) {
        self.0.lock().crash(loses_unacknowledged);
    }

    pub(super) fn has_crashed(&self) -> bool {
        self.0.lock().crashed
    }

    /// The present tables; after a crash what it left.
    pub(super) fn tables(&self) -> Tables {
        self.0.lock().present.clone()
    }

    pub(super) fn writes(&self) -> u64 {
        self.0.lock().writes
    }
}

impl Medium for Faults {
    async fn read<T: Send>(&self, read: impl FnOnce(&Tables) -> Result<T, Error> + Send) -> Result<T, Error> {
        let fate = self.0.lock().fate();
        pass(fate.delay_before).await;
        if fate.fails {
            return Err(failed("before it read"));
        }
        let (result, seen) = {
            let world = self.0.lock();
            world.check()?;
            (read(&world.present), world.writes)
        };
        pass(fate.delay_behind).await;
        self.0.lock().acknowledge(seen)?;
        result
    }

    async fn write<T: Send>(
        &self,
        write: impl FnOnce(&mut Tables) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let fate = self.0.lock().fate();
        pass(fate.delay_before).await;
        if fate.fails {
            return Err(failed("before it wrote"));
        }
        let (result, number) = {
            let mut world = self.0.lock();
            world.check()?;
            if world.closed {
                return Err(Error::Closed);
            }
            (write(&mut world.present), world.written()?)
        };
        pass(fate.delay_behind).await;
        let mut world = self.0.lock();
        if fate.answer_is_lost {
            world.check()?;
            return Err(failed("and the answer is lost"));
        }
        world.acknowledge(number)?;
        result
    }

    fn stats(&self) -> WriteStats {
        let writes = self.writes();
        WriteStats { batches: writes, operations: writes }
    }

    fn close(&self) {
        let mut world = self.0.lock();
        world.closed = true;
        let all = world.writes;
        // a store that has crashed cannot be closed in good order, and whoever closes it does not care
        if world.acknowledge(all).is_err() {
            tracing::debug!("closed after a crash");
        }
    }
}

impl World {
    fn fate(&mut self) -> Fate {
        let FaultPlan { lost_answers, failures, delay_max, .. } = self.plan;
        let half = delay_max / 2;
        Fate {
            fails: self.random.random_range(0..1_000) < failures,
            answer_is_lost: self.random.random_range(0..1_000) < lost_answers,
            delay_before: self.random.random_range(Duration::ZERO..=half),
            delay_behind: self.random.random_range(Duration::ZERO..=half),
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.crashed { Err(failed("because it has crashed")) } else { Ok(()) }
    }

    /// Numbers a write that has just happened, or crashes on it.
    fn written(&mut self) -> Result<u64, Error> {
        self.writes += 1;
        let journal = self.present.take_journal();
        self.under_way.insert(self.writes, journal);
        if let Some(crash) = self.plan.crash
            && crash.write == self.writes
        {
            self.crash(crash.loses_unacknowledged);
        }
        self.check()?;
        Ok(self.writes)
    }

    /// Makes everything up to this write durable, because somebody is told about it.
    fn acknowledge(&mut self, number: u64) -> Result<(), Error> {
        self.check()?;
        self.under_way = self.under_way.split_off(&(number + 1));
        Ok(())
    }

    fn crash(&mut self, loses_unacknowledged: bool) {
        self.crashed = true;
        let under_way = std::mem::take(&mut self.under_way);
        if loses_unacknowledged {
            for (_, journal) in under_way.into_iter().rev() {
                self.present.undo(journal);
            }
        }
    }
}

async fn pass(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

fn failed(when: &str) -> Error {
    Error::Unavailable(format!("the simulated store failed, {when}"))
}
