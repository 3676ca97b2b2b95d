//! Putting batches that are durable into sled.

use super::Log;
use crate::error::Failure;
use crate::journal::Writes;

/// How many bytes of entries are put into sled before its log is synced again: see [`Log`]. sled writes some five times
/// as many, and uses no segment again before it has written two further ones of 512 KiB.
const UNSYNCED_MAX: usize = 128 << 10;

/// Why a batch is not, or only in part, in sled.
#[derive(Debug)]
pub(crate) enum NotApplied {
    Database(sled::Error),
    Sync(std::io::Error),
}

/// Puts the writes into sled in their order. `unsynced` counts the bytes since the last sync of its log.
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
        *unsynced += key.len() + value.as_ref().map_or(0, |value| value.len());
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
            NotApplied::Sync(error) => Self::Broken(error.to_string()),
        }
    }
}
