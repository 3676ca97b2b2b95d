//! Reading the journal when the store is opened.

use std::cmp::Reverse;
use std::path::Path;

use dtm_store::Error;

use super::Journal;
use super::part::Record;
use super::record::Writes;
use crate::error::{damaged, unusable};

impl Journal {
    /// Has all batches that sled may have lost written again. `reached` is the last one that it has something of;
    /// the journal does not end before that. Gives the number of batches.
    pub(crate) fn replay(
        &self,
        folder: &Path,
        reached: u64,
        write: impl FnMut(Writes) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let Some((first, last)) = self.walk(folder, |_| Ok(()))? else { return Ok(0) };
        if first > reached + 1 || last < reached {
            let detail = format!(
                "its journal has the batches {first} to {last}, and its database is at batch {reached}"
            );
            return Err(damaged(folder, &detail));
        }
        // What was written just before the process died may be readable and not yet on disk. It must be there before any of
        // it is in sled.
        for part in &self.parts {
            part.sync().map_err(|error| unusable(folder, "sync the journal", &error))?;
        }
        self.walk(folder, write)?;
        Ok(last - first + 1)
    }

    /// Visits all batches in order; the first and the last one, if there are any.
    fn walk(
        &self,
        folder: &Path,
        mut visit: impl FnMut(Writes) -> Result<(), Error>,
    ) -> Result<Option<(u64, u64)>, Error> {
        let failed = |error: &std::io::Error| unusable(folder, "read the journal", error);
        let mut parts = Vec::with_capacity(2);
        for part in &self.parts {
            let mut records = part.records().map_err(|error| failed(&error))?;
            if let Some(first) = records.next().map_err(|error| failed(&error))? {
                parts.push((first, records));
            }
        }
        parts.sort_by_key(|(first, _)| Reverse(first.batch));
        let mut range: Option<(u64, u64)> = None;
        while let Some((first, mut records)) = parts.pop() {
            if let Some((_, last)) = range
                && first.batch != last + 1
            {
                let detail = format!("in its journal batch {last} is followed by batch {}", first.batch);
                return Err(damaged(folder, &detail));
            }
            let mut next = Some(first);
            while let Some(Record { batch, writes }) = next {
                let Some(writes) = writes else {
                    return Err(damaged(folder, &format!("batch {batch} of its journal makes no sense")));
                };
                visit(writes)?;
                range = Some((range.map_or(batch, |(first, _)| first), batch));
                // what has another number was left there by an earlier turn
                next = records.next().map_err(|error| failed(&error))?.filter(|next| next.batch == batch + 1);
            }
        }
        Ok(range)
    }
}
