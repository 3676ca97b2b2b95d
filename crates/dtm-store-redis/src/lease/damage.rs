//! Records that cannot be read.

use std::collections::BTreeSet;

use dtm_store::Damaged;
use parking_lot::Mutex;

/// The records that this process has found unreadable: each is reported once and stops nobody. Whoever has repaired
/// one restarts the server, or starts another one.
#[derive(Debug, Default)]
pub(crate) struct KnownDamage(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    gids: BTreeSet<String>,
    /// Found by somebody who could not report it; the next claim does.
    unreported: Vec<Damaged>,
}

impl KnownDamage {
    pub(super) fn gids(&self) -> BTreeSet<String> {
        self.0.lock().gids.clone()
    }

    /// What claims have not reported yet.
    pub(super) fn unreported(&self) -> Vec<Damaged> {
        std::mem::take(&mut self.0.lock().unreported)
    }

    pub(super) fn report(&self, damage: Damaged, reports: &mut Vec<Damaged>) {
        if self.is_new(&damage) {
            reports.push(damage);
        }
    }

    /// Somebody who is not claiming has found it.
    pub(crate) fn note(&self, damage: Damaged) {
        if self.is_new(&damage) {
            self.0.lock().unreported.push(damage);
        }
    }

    pub(super) fn note_all(&self, damaged: Vec<Damaged>) {
        for damage in damaged {
            self.note(damage);
        }
    }

    fn is_new(&self, damage: &Damaged) -> bool {
        let is_new = self.0.lock().gids.insert(damage.gid.clone());
        if is_new {
            tracing::error!(
                gid = damage.gid,
                detail = damage.detail,
                "a record cannot be read; it is left untouched"
            );
        }
        is_new
    }
}
