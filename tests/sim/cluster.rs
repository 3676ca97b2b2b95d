//! The servers of a run: they crash, stop, pause, are overtaken by a successor, and come back.

use std::sync::Arc;
use std::time::Duration;

use dtm_store::NodeName;
use parking_lot::Mutex;
use tokio::time::sleep;

use crate::chance::Chance;
use crate::gate::Gate;
use crate::world::{Process, World};

/// The servers of a run.
pub(crate) struct Cluster {
    world: Arc<World>,
    slots: Vec<Mutex<Option<Process>>>,
    /// Closed when nothing may go wrong any more.
    calm: Gate,
}

/// What happens to a server after it was started.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It dies at that write.
    Crash(u64),
    /// It dies after a while.
    Die(Duration),
    /// It is stopped in good order after a while.
    Stop(Duration),
    /// It stands still after a while, for some time.
    Pause(Duration, Duration),
    /// It stands still after a while; a successor of the same name starts, and then it goes on.
    Overtaken(Duration, Duration),
}

impl Cluster {
    /// Servers that are started and watched over until [`calm_down`](Self::calm_down).
    pub(crate) async fn start(world: &Arc<World>, mut chance: Chance) -> Arc<Self> {
        let servers = if chance.percent(30) { 2 } else { 1 };
        let slots = (0..servers).map(|_| Mutex::new(None)).collect();
        let cluster = Arc::new(Self { world: Arc::clone(world), slots, calm: Gate::open() });
        for slot in 0..servers {
            let process = world.start(&name(slot)).await;
            *cluster.slots[slot].lock() = Some(process.clone());
            let (cluster, chance) = (Arc::clone(&cluster), chance.fork());
            tokio::spawn(async move { cluster.watch_over(slot, process, chance).await });
        }
        cluster
    }

    /// A server that is not known to be dead.
    pub(crate) fn pick(&self, chance: &mut Chance) -> Option<Process> {
        let first = chance.size(0, self.slots.len() - 1);
        (0..self.slots.len()).find_map(|turn| {
            let slot = self.slots[(first + turn) % self.slots.len()].lock();
            slot.clone().filter(|process| !process.gate.is_dead())
        })
    }

    /// Ends the faults: every server runs soon, and goes on running.
    pub(crate) fn calm_down(&self) {
        self.calm.kill();
    }

    /// Stops all servers in good order.
    pub(crate) async fn stop(&self) {
        for slot in &self.slots {
            let process = slot.lock().take();
            if let Some(process) = process {
                process.engine.stop(Duration::from_secs(10)).await;
                process.gate.kill();
            }
        }
    }

    async fn watch_over(&self, slot: usize, first: Process, mut chance: Chance) {
        let mut process = first;
        let troubles = chance.size(0, 4);
        for _ in 0..troubles {
            let fate = self.draw(&mut chance);
            tokio::select! {
                biased;
                () = self.calm.death() => break,
                () = process.gate.death() => {}
                () = self.meet(slot, &process, fate) => {}
            }
            if self.calm.is_dead() {
                break;
            }
            if !process.gate.is_running() {
                self.world.journal.note(format!("server {} is gone", process.label));
                let pause = chance.millis(0, 4_000);
                tokio::select! {
                    biased;
                    () = self.calm.death() => {}
                    () = sleep(pause) => {}
                }
                process = self.replace(slot).await;
            }
        }
        tokio::select! {
            biased;
            () = self.calm.death() => {}
            () = process.gate.death() => {} // another server's crash came at a write of this one
        }
        process.gate.resume();
        let is_stopping = self.slots[slot].lock().is_none();
        if is_stopping {
            process.gate.kill();
            process = self.replace(slot).await;
        }
        // A death that was decided before the calm may come after it.
        loop {
            process.gate.death().await;
            if self.slots[slot].lock().is_none() {
                return; // the run is over
            }
            process = self.replace(slot).await;
        }
    }

    async fn replace(&self, slot: usize) -> Process {
        let process = self.world.start(&name(slot)).await;
        *self.slots[slot].lock() = Some(process.clone());
        process
    }

    fn draw(&self, chance: &mut Chance) -> Fate {
        let after = chance.millis(0, 15_000);
        match chance.between(0, 9) {
            0..=3 => Fate::Crash(chance.between(1, 40)),
            4 | 5 => Fate::Die(after),
            6 | 7 => Fate::Stop(after),
            8 => Fate::Pause(after, chance.millis(100, 8_000)),
            _ => Fate::Overtaken(after, chance.millis(100, 8_000)),
        }
    }

    /// Returns when the trouble is over: the process runs again, or it is gone.
    async fn meet(&self, slot: usize, process: &Process, fate: Fate) {
        match fate {
            Fate::Crash(writes) => {
                self.world.faults.crash_in(writes);
                process.gate.death().await;
            }
            Fate::Die(after) => {
                sleep(after).await;
                self.world.store.crash();
                process.gate.kill();
            }
            Fate::Stop(after) => {
                sleep(after).await;
                self.world.journal.note(format!("server {} is stopped", process.label));
                *self.slots[slot].lock() = None;
                process.engine.stop(Duration::from_secs(5)).await;
                process.gate.kill();
            }
            Fate::Pause(after, span) => {
                sleep(after).await;
                self.world.journal.note(format!("server {} stands still", process.label));
                process.gate.pause();
                sleep(span).await;
                self.world.journal.note(format!("server {} goes on", process.label));
                process.gate.resume();
            }
            Fate::Overtaken(after, span) => {
                sleep(after).await;
                self.world.journal.note(format!("server {} stands still, to be overtaken", process.label));
                process.gate.pause();
                let (gate, journal, label) =
                    (process.gate.clone(), self.world.journal.clone(), process.label.clone());
                tokio::spawn(async move {
                    sleep(span).await;
                    journal.note(format!("server {label} goes on, overtaken"));
                    gate.resume();
                });
            }
        }
    }
}

fn name(slot: usize) -> NodeName {
    NodeName::parse(["a", "b"][slot]).expect("a good name")
}
