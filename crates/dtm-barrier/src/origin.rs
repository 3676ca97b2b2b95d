//! What a compensation undoes.

use crate::BranchOp;

/// The op that this one undoes, `None` when it undoes nothing. Its row is what a compensation inserts before its own.
///
/// ```
/// use dtm_barrier::{BranchOp, origin};
/// assert_eq!(origin(BranchOp::Cancel), Some(BranchOp::Try));
/// assert_eq!(origin(BranchOp::Confirm), None);
/// ```
#[must_use]
pub const fn origin(op: BranchOp) -> Option<BranchOp> {
    match op {
        BranchOp::Cancel => Some(BranchOp::Try),
        BranchOp::Compensate | BranchOp::Rollback => Some(BranchOp::Action),
        BranchOp::Action | BranchOp::Try | BranchOp::Confirm | BranchOp::Commit | BranchOp::Message => None,
    }
}
