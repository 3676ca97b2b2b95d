//! The journal: what makes a batch durable.
//!
//! sled needs two writes and two waits for the disk until a batch is durable, and wakes all its threads for each of
//! them. So a batch is appended here first, in one write and one sync; then it is acknowledged and put into sled,
//! which writes it when it has enough of it (write-ahead logging with redo records of whole entries: Gray and Reuter,
//! *Transaction Processing*, 1993, chapter 10).
//!
//! There are two parts, used in turn. Whoever leaves a full part has a checkpoint made: sled is flushed and synced.
//! A part is written again from its beginning once its checkpoint has ended, so the two always hold everything
//! that sled may lose, without a gap. When the folder is opened after a crash, all of it is written once more, in
//! order: whatever part of it sled has kept, the result is the same.

mod part;
mod record;
mod replay;
#[cfg(test)]
mod tests;
mod turns;

pub(crate) use record::Writes;
pub(crate) use turns::{Journal, PARTS};
