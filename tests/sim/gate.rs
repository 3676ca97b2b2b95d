//! Whether a simulated server process runs. Everything that it does to the world passes its gate, so a process
//! that is killed does nothing more, at whatever point its tasks stand, and one that is paused does it later.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// How a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Running,
    Paused,
    Dead,
}

/// The gate of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<State>);

#[derive(Debug)]
struct State {
    standing: Mutex<Standing>,
    changed: Notify,
}

impl Gate {
    pub(crate) fn open() -> Self {
        Self(Arc::new(State { standing: Mutex::new(Standing::Running), changed: Notify::new() }))
    }

    /// Goes on when the process runs; never, when it is dead.
    pub(crate) async fn pass(&self) {
        self.wait_until(|standing| standing == Standing::Running).await;
    }

    /// Goes on when the process is dead.
    pub(crate) async fn death(&self) {
        self.wait_until(|standing| standing == Standing::Dead).await;
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.0.standing.lock() == Standing::Running
    }

    pub(crate) fn is_dead(&self) -> bool {
        *self.0.standing.lock() == Standing::Dead
    }

    pub(crate) fn pause(&self) {
        self.set(Standing::Paused);
    }

    pub(crate) fn resume(&self) {
        self.set(Standing::Running);
    }

    pub(crate) fn kill(&self) {
        self.set(Standing::Dead);
    }

    async fn wait_until(&self, reached: impl Fn(Standing) -> bool) {
        loop {
            let changed = self.0.changed.notified();
            let standing = *self.0.standing.lock();
            if reached(standing) {
                return;
            }
            changed.await;
        }
    }

    fn set(&self, standing: Standing) {
        let mut present = self.0.standing.lock();
        if *present != Standing::Dead {
            *present = standing;
        }
        drop(present);
        self.0.changed.notify_waiters();
    }
}
