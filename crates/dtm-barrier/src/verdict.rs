//! The decision behind the barrier, as a pure function of what its inserts have found.
//!
//! | op | row of its origin | its own row | verdict |
//! |---|---|---|---|
//! | `cancel`, `compensate`, `rollback` | new | any | nothing to undo |
//! | any | not asked for, or there before | new | first: do it |
//! | `msg` | | there, by `msg` | repeated: the local transaction has committed |
//! | `msg` | | there, by `rollback` | rolled back: a back-check came first |
//! | `msg` | | there, by anything else | unreadable |
//! | other | | there, by the op itself | repeated |
//! | other | | there, by another op | undone: its compensation came first |

use crate::{BranchOp, Skip};

/// What the insert of a call's own row has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnRow<'a> {
    /// The row is new.
    New,
    /// It was there.
    There {
        /// The `reason` of the row: the op that inserted it.
        by: &'a str,
    },
}

/// What to do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Do it.
    First,
    /// Do nothing, and say "done".
    NothingToDo(Skip),
    /// Do nothing, and say "no": a back-check has found that the local transaction of this message will not be.
    RolledBack,
    /// The row says something that this version does not know. Nothing can be concluded from it.
    Unreadable,
}

/// What to do with a call of `op`. `origin_is_new` says that the row of its [`origin`](crate::origin()) was not there before.
///
/// ```
/// use dtm_barrier::{BranchOp, OwnRow, Skip, Verdict, verdict};
/// assert_eq!(verdict(BranchOp::Action, false, OwnRow::New), Verdict::First);
/// assert_eq!(
///     verdict(BranchOp::Action, false, OwnRow::There { by: "compensate" }),
///     Verdict::NothingToDo(Skip::Undone)
/// );
/// ```
#[must_use]
pub fn verdict(op: BranchOp, origin_is_new: bool, own: OwnRow<'_>) -> Verdict {
    let by = match own {
        _ if origin_is_new => return Verdict::NothingToDo(Skip::NothingToUndo),
        OwnRow::New => return Verdict::First,
        OwnRow::There { by } => by,
    };
    if by == op.as_str() {
        return Verdict::NothingToDo(Skip::Repeated);
    }
    match op {
        BranchOp::Message if by == BranchOp::Rollback.as_str() => Verdict::RolledBack,
        // here a wrong reading would send, or not send, what belongs to the local transaction
        BranchOp::Message => Verdict::Unreadable,
        _ => Verdict::NothingToDo(Skip::Undone),
    }
}

#[cfg(test)]
mod tests {
    use BranchOp::{Action, Cancel, Commit, Compensate, Confirm, Message, Rollback, Try};

    use super::*;
    use crate::origin;

    #[test]
    fn each_op_is_decided_as_the_table_says() {
        let there = |by| OwnRow::There { by };
        let table = [
            (Action, OwnRow::New, Verdict::First),
            (Action, there("action"), Verdict::NothingToDo(Skip::Repeated)),
            (Action, there("compensate"), Verdict::NothingToDo(Skip::Undone)),
            (Action, there("rollback"), Verdict::NothingToDo(Skip::Undone)),
            (Try, OwnRow::New, Verdict::First),
            (Try, there("try"), Verdict::NothingToDo(Skip::Repeated)),
            (Try, there("cancel"), Verdict::NothingToDo(Skip::Undone)),
            (Confirm, OwnRow::New, Verdict::First),
            (Confirm, there("confirm"), Verdict::NothingToDo(Skip::Repeated)),
            (Commit, OwnRow::New, Verdict::First),
            (Commit, there("commit"), Verdict::NothingToDo(Skip::Repeated)),
            (Compensate, OwnRow::New, Verdict::First),
            (Compensate, there("compensate"), Verdict::NothingToDo(Skip::Repeated)),
            (Cancel, OwnRow::New, Verdict::First),
            (Cancel, there("cancel"), Verdict::NothingToDo(Skip::Repeated)),
            (Rollback, OwnRow::New, Verdict::First),
            (Rollback, there("rollback"), Verdict::NothingToDo(Skip::Repeated)),
            (Message, OwnRow::New, Verdict::First),
            (Message, there("msg"), Verdict::NothingToDo(Skip::Repeated)),
            (Message, there("rollback"), Verdict::RolledBack),
            (Message, there("test"), Verdict::Unreadable),
            (Message, there(""), Verdict::Unreadable),
        ];
        for (op, own, expected) in table {
            assert_eq!(verdict(op, false, own), expected, "{op} {own:?}");
        }
    }

    #[test]
    fn a_compensation_whose_action_was_not_there_does_nothing_whatever_its_own_row_says() {
        // defect R23
        for op in [Compensate, Cancel, Rollback] {
            for own in [OwnRow::New, OwnRow::There { by: op.as_str() }] {
                assert_eq!(verdict(op, true, own), Verdict::NothingToDo(Skip::NothingToUndo));
            }
        }
    }

    #[test]
    fn what_undoes_has_an_origin_and_nothing_else_has() {
        let undoing: Vec<_> = BranchOp::ALL.into_iter().filter(|op| origin(*op).is_some()).collect();
        assert_eq!(undoing, [Compensate, Cancel, Rollback]);
    }
}
