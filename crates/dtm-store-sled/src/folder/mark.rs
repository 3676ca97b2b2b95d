//! The number of the last acknowledged batch, outside of the database.
//!
//! sled takes a damaged end of its log for the end of its log, and silently goes back in time. The mark notices:
//! when the database has fewer batches than the mark says, something acknowledged is lost.
//!
//! It is written after the batch is durable and not synced by itself: after a power failure it may be behind,
//! never ahead.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use dtm_store::Error;

use crate::error::{damaged, unusable};

/// The open mark.
#[derive(Debug)]
pub(crate) struct Mark(File);

impl Mark {
    /// Opens the mark and reads it; `None` when there is none yet.
    pub(crate) fn open(folder: &Path, create: bool) -> Result<(Self, Option<u64>), Error> {
        let failed = |error: &std::io::Error| unusable(folder, "open the file 'mark'", error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .open(folder.join("mark"))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => damaged(folder, "the file 'mark' is missing"),
                _ => failed(&error),
            })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        if bytes.is_empty() && create {
            return Ok((Self(file), None));
        }
        let batch = read(&bytes).ok_or_else(|| damaged(folder, "the file 'mark' is not readable"))?;
        Ok((Self(file), Some(batch)))
    }

    /// Notes that everything up to this batch is acknowledged.
    pub(crate) fn write(&mut self, batch: u64) -> std::io::Result<()> {
        let number = batch.to_be_bytes();
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&number);
        bytes[8..].copy_from_slice(&crc32fast::hash(&number).to_be_bytes());
        self.0.rewind()?;
        self.0.write_all(&bytes)
    }

    /// Makes the mark durable.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.0.sync_all()
    }
}

fn read(bytes: &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    (crc32fast::hash(number).to_be_bytes() == *rest).then(|| u64::from_be_bytes(*number))
}
