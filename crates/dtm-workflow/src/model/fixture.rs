//! Records for tests.

use dtm_core::model::{BranchStatus, Op};

use super::{Progresses, Replay, Row};

/// A replay of records such as `01 action, 02 action!, 01 rollback`; `!` marks a no. The data of each is the
/// id of its branch.
pub(super) fn replay_of(records: &str) -> Replay {
    let row = |record: &str| {
        let (branch_id, op) = record.split_once(' ').unwrap();
        let status = if op.ends_with('!') { BranchStatus::Failed } else { BranchStatus::Succeed };
        let op = Op::parse(op.trim_end_matches('!')).unwrap();
        Row { branch_id: branch_id.to_owned(), op, status, data: branch_id.into() }
    };
    let rows = records.split(", ").filter(|record| !record.is_empty()).map(row).collect();
    Replay::new(Progresses::read(rows).unwrap())
}
