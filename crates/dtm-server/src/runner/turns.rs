//! Registrations of one transaction take turns: each names how many there were before it, so only one at a time can succeed.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use dtm_core::model::Gid;

/// A queue for each transaction that somebody registers a branch of. Each waits in the order in which it came.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Gid, Arc<tokio::sync::Mutex<()>>>>>);

/// It is this one's turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    gid: Gid,
    place: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    pub(super) async fn next(&self, gid: &Gid) -> Turn {
        let queue = Arc::clone(self.0.lock().entry(gid.clone()).or_default());
        let mut turn = Turn { turns: self.clone(), gid: gid.clone(), place: None };
        turn.place = Some(queue.lock_owned().await);
        turn
    }
}

/// The last one takes the queue along, also when it was dropped before it was its turn.
impl Drop for Turn {
    fn drop(&mut self) {
        self.place = None;
        let mut queues = self.turns.0.lock();
        if queues.get(&self.gid).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.gid);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_after_the_other_and_nothing_is_left() {
        let (turns, gid) = (Turns::default(), Gid::parse("g").unwrap());
        let other = Gid::parse("other").unwrap();
        let first = turns.next(&gid).await;
        assert!(turns.next(&gid).now_or_never().is_none(), "it waits, and is dropped");
        assert!(turns.next(&other).now_or_never().is_some());
        let mut second = Box::pin(turns.next(&gid));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        let second = second.now_or_never().unwrap();
        assert_eq!(turns.0.lock().len(), 1);
        drop(second);
        assert!(turns.0.lock().is_empty());
    }
}
