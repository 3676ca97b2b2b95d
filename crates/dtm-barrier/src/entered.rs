//! From what the inserts of a call have found to what becomes of it; the same in every database.

use crate::{
    BarrierError, BranchContext, BranchError, BranchOp, BranchResult, Done, OwnRow, Skip, Verdict, verdict,
};

/// What became of an insert.
pub(crate) enum Inserted<Mark> {
    /// It was not there. What recognises the transaction that wrote it.
    New(Mark),
    /// It was there, by this reason.
    There(String),
}

/// What to do with a call, and what recognises the transaction in which it is to be done.
pub(crate) enum Entered<Mark> {
    First(Mark),
    NothingToDo(Skip),
}

/// What to do with a call that has inserted the row of its origin, and its own.
pub(crate) fn entered<Mark>(
    context: &BranchContext,
    origin_is_new: bool,
    own: Inserted<Mark>,
) -> Result<Entered<Mark>, BranchError> {
    let found = match &own {
        Inserted::New(_) => OwnRow::New,
        Inserted::There(by) => OwnRow::There { by },
    };
    match (verdict(context.op, origin_is_new, found), own) {
        (Verdict::First, Inserted::New(mark)) => Ok(Entered::First(mark)),
        (Verdict::NothingToDo(skip), _) => Ok(Entered::NothingToDo(skip)),
        (Verdict::RolledBack, _) => Err(context.not_prepared()),
        (Verdict::Unreadable | Verdict::First, own) => Err(unreadable(context, own)),
    }
}

/// What a back-check answers that has tried to insert the row of the local transaction in its stead.
pub(crate) fn back_checked<Mark>(context: &BranchContext, local: Inserted<Mark>) -> BranchResult {
    match local {
        Inserted::New(_) => Err(context.not_prepared()),
        Inserted::There(by) if by == BranchOp::Message.as_str() => Ok(Done),
        Inserted::There(by) if by == BranchOp::Rollback.as_str() => Err(context.not_prepared()),
        other @ Inserted::There(_) => Err(unreadable(context, other)),
    }
}

fn unreadable<Mark>(context: &BranchContext, row: Inserted<Mark>) -> BranchError {
    let reason = match row {
        Inserted::New(_) => String::new(),
        Inserted::There(reason) => reason,
    };
    BarrierError::UnknownReason { gid: context.gid.clone(), reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;

    fn of(op: BranchOp) -> BranchContext {
        BranchContext::new("g", "00", op, Mode::Message)
    }

    #[test]
    fn a_row_of_a_message_that_no_version_writes_is_neither_a_yes_nor_a_no() {
        let message = of(BranchOp::Message);
        for reason in ["", "test", "action"] {
            let there = || Inserted::<()>::There(reason.to_owned());
            for said in [entered(&message, false, there()).err(), back_checked(&message, there()).err()] {
                assert!(matches!(said, Some(BranchError::Retry(_))), "{reason}");
            }
        }
    }

    #[test]
    fn a_back_check_that_came_first_says_no_and_one_that_came_after_says_yes() {
        let message = of(BranchOp::Message);
        let no = back_checked(&message, Inserted::New(()));
        assert!(matches!(no, Err(BranchError::RollBack(_))));
        let repeated = back_checked(&message, Inserted::<()>::There("rollback".to_owned()));
        assert!(matches!(repeated, Err(BranchError::RollBack(_))));
        assert!(matches!(back_checked(&message, Inserted::<()>::There("msg".to_owned())), Ok(Done)));
    }
}
