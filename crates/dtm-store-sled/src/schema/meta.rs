//! The numbers of the whole store, written with every batch.

use dtm_core::model::Timestamp;

use crate::keys::Number;

/// The numbers of the whole store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Counts the batches that were written.
    pub(crate) batch: u64,
    /// The number of the next transaction.
    pub(crate) next: Number,
    /// How many entries there are, these numbers excluded.
    pub(crate) entries: u64,
    /// The sum of the shares of all these entries: an entry that got lost, or that is there in an older version,
    /// makes it wrong.
    pub(crate) digest: u64,
    /// The latest time at which one was recorded.
    pub(crate) recorded_at: Timestamp,
}

impl Meta {
    /// The numbers of an empty store.
    pub(crate) const EMPTY: Self =
        Self { batch: 0, next: Number(1), entries: 0, digest: 0, recorded_at: Timestamp::from_millis(0) };

    pub(crate) fn to_bytes(self) -> [u8; 40] {
        let numbers = [self.batch, self.next.0, self.entries, self.digest, self.recorded_at.as_millis()];
        let mut bytes = [0; 40];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<8>() else { return None };
        let [batch, next, entries, digest, recorded_at] = <[[u8; 8]; 5]>::try_from(numbers).ok()?;
        Some(Self {
            batch: u64::from_be_bytes(batch),
            next: Number(u64::from_be_bytes(next)),
            entries: u64::from_be_bytes(entries),
            digest: u64::from_be_bytes(digest),
            recorded_at: Timestamp::from_millis(u64::from_be_bytes(recorded_at)),
        })
    }
}
