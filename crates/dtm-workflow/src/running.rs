//! Which workflows this process is executing.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

/// The gids of the executions of this process. A second execution of one would run the step that the first
/// one is at, only to learn that it is recorded already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashSet<String>>>);

/// One of them; dropped when it has ended, however it did.
#[derive(Debug)]
pub(crate) struct Place {
    running: Running,
    gid: String,
}

impl Running {
    /// `None` when the gid is being executed.
    pub(crate) fn enter(&self, gid: &str) -> Option<Place> {
        self.0.lock().insert(gid.to_owned()).then(|| Place { running: self.clone(), gid: gid.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.0.lock().remove(&self.gid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gid_is_executed_once_at_a_time() {
        let running = Running::default();
        let place = running.enter("g").unwrap();
        assert!(running.enter("g").is_none());
        assert!(running.enter("other").is_some());
        drop(place);
        assert!(running.enter("g").is_some());
        assert!(running.0.lock().is_empty(), "places that are left are forgotten");
    }
}
