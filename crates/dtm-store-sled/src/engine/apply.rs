//! Putting batches that are durable into sled.

use super::Log;
use crate::error::Failure;
use crate::journal::Writes;

/// How many bytes sled may write to its log before that is synced: see [`Log`]. It uses no segment of 512 KiB again
/// before it has written two further ones.
const UNSYNCED_MAX: usize = 768 << 10;

/// How many bytes sled writes for an entry, in all likelihood less: the entry; every tenth time the page around it, with
/// up to 17 entries; and both halves when a page is split. (Measured for sagas of two steps: 3.2 times the entries.)
const fn log_bytes(entry: usize) -> usize {
    (2 << 10) + 4 * entry
}

/// Why a batch is not, or only in part, in sled.
#[derive(Debug)]
pub(crate) enum NotApplied {
    Database(sled::Error),
    Sync(std::io::Error),
}

/// Puts the writes into sled in their order. `unsynced` is how much it may have written since the last sync of its log.
pub(crate) fn apply(
    tree: &sled::Tree,
    log: &Log,
    writes: Writes,
    unsynced: &mut usize,
) -> Result<(), NotApplied> {
    for (key, value) in writes {
        if *unsynced > UNSYNCED_MAX {
            log.sync().map_err(NotApplied::Sync)?;
            *unsynced = 0;
        }
        *unsynced += log_bytes(key.len() + value.as_ref().map_or(0, |value| value.len()));
        match value {
            Some(value) => tree.insert(key, value),
            None => tree.remove(key),
        }
        .map_err(NotApplied::Database)?;
    }
    Ok(())
}

impl From<NotApplied> for Failure {
    fn from(error: NotApplied) -> Self {
        match error {
            NotApplied::Database(error) => error.into(),
            NotApplied::Sync(error) => error.into(),
        }
    }
}
