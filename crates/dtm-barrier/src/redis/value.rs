//! What stands in the rows.

use std::time::Duration;

use crate::{BarrierError, BranchContext, BranchOp};

/// The value of a row that keeps out what it stands for.
pub(super) const ROLLBACK: &str = "rollback";

/// The value of a row of Go's SDK.
const OF_GO: &str = "op";

/// The key of a row, the same as that of Go's SDK. Two transactions may have the same key (`g` with branch `01-01`, `g-01` with
/// branch `01`), so the value says whose it is.
pub(super) fn key(context: &BranchContext, op: BranchOp, barrier_id: &str) -> String {
    format!("{}-{}-{op}-{barrier_id}", context.gid, context.branch_id)
}

/// The value of a row of this transaction.
pub(super) fn value(context: &BranchContext) -> String {
    format!("{OF_GO} {}", context.gid)
}

/// Which op wrote a row of `op` with that value.
pub(super) fn written_by(
    context: &BranchContext,
    op: BranchOp,
    found: &str,
) -> Result<BranchOp, BarrierError> {
    match found {
        ROLLBACK => Ok(BranchOp::Rollback),
        OF_GO => Ok(op),
        own if own == value(context) => Ok(op),
        other => Err(BarrierError::KeyInUse { gid: context.gid.clone(), found: other.to_owned() }),
    }
}

/// For how many seconds a row is kept.
pub(super) fn seconds(keep_for: Duration) -> Result<u64, BarrierError> {
    match keep_for.as_secs() + u64::from(keep_for.subsec_nanos() > 0) {
        0 => Err(BarrierError::NotKept),
        seconds => Ok(seconds),
    }
}

pub(super) fn failed(what: &str, error: redis::RedisError) -> BarrierError {
    BarrierError::Database { what: what.to_owned(), source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;

    #[test]
    fn a_key_that_two_transactions_share_is_noticed() {
        let one = BranchContext::new("g", "01-01", BranchOp::Action, Mode::Message);
        let other = BranchContext::new("g-01", "01", BranchOp::Action, Mode::Saga);
        assert_eq!(key(&one, BranchOp::Action, "01"), key(&other, BranchOp::Action, "01"));
        let by = |found: &str| written_by(&one, BranchOp::Action, found);
        assert!(matches!(by(&value(&other)), Err(BarrierError::KeyInUse { .. })));
        assert_eq!(by(&value(&one)).unwrap(), BranchOp::Action);
        assert_eq!(by("op").unwrap(), BranchOp::Action, "Go's rows do not say whose they are");
        assert_eq!(by("rollback").unwrap(), BranchOp::Rollback);
    }

    #[test]
    fn rows_are_kept_for_whole_seconds_and_at_least_one() {
        assert_eq!(seconds(Duration::from_millis(1)).unwrap(), 1);
        assert_eq!(seconds(Duration::from_secs(60)).unwrap(), 60);
        assert!(matches!(seconds(Duration::ZERO), Err(BarrierError::NotKept)));
    }
}
