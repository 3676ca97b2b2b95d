//! A row of the barrier table.

use crate::{BarrierError, BranchContext, BranchOp};

/// Characters that the columns `gid` and `branch_id` keep, here and in the tables of the other SDKs.
const TEXT_MAX: usize = 128;

/// What is inserted: a row of SQL, or a document of MongoDB.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(feature = "_sql"),
    expect(unreachable_pub, reason = "the databases of SQL have it in a trait")
)]
pub struct Row<'a> {
    /// The column `trans_type`.
    pub mode: &'a str,
    /// The global transaction.
    pub gid: &'a str,
    /// The branch.
    pub branch_id: &'a str,
    /// What the row stands for.
    pub op: &'a str,
    /// The number of the use.
    pub barrier_id: &'a str,
    /// Which op inserts it.
    pub reason: &'a str,
}

/// What stands in `gid, branch_id, op, barrier_id, reason` of a row that was there.
pub(crate) type Found = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

impl<'a> Row<'a> {
    /// The row for `op`, inserted by the call of this context.
    pub(crate) fn new(
        context: &'a BranchContext,
        op: BranchOp,
        barrier_id: &'a str,
    ) -> Result<Self, BarrierError> {
        for (field, text) in [("gid", &context.gid), ("branch_id", &context.branch_id)] {
            let length = text.chars().count();
            if length > TEXT_MAX {
                return Err(BarrierError::TooLong { field, length, max: TEXT_MAX });
            }
        }
        Ok(Self {
            mode: context.trans_type.as_str(),
            gid: &context.gid,
            branch_id: &context.branch_id,
            op: op.as_str(),
            barrier_id,
            reason: context.op.as_str(),
        })
    }

    /// The reason of the row that kept this one out; an error when it is another call's.
    pub(crate) fn reason_of(&self, table: &str, found: Option<Found>) -> Result<String, BarrierError> {
        let texts = found.as_ref().map(|(gid, branch_id, op, barrier_id, _)| {
            [gid, branch_id, op, barrier_id].map(|text| text.as_deref().unwrap_or("NULL"))
        });
        let own = [self.gid, self.branch_id, self.op, self.barrier_id];
        if texts != Some(own) {
            return Err(BarrierError::Confused {
                table: table.to_owned(),
                call: own.join(" "),
                other: texts.map_or_else(String::new, |texts| texts.join(" ")),
            });
        }
        // no row without a reason comes from any SDK
        Ok(found.and_then(|(.., reason)| reason).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;

    fn found(gid: &str) -> Option<Found> {
        let text = |text: &str| Some(text.to_owned());
        Some((text(gid), text("01"), text("action"), text("01"), text("compensate")))
    }

    #[test]
    fn a_row_that_is_not_exactly_this_call_is_no_answer() {
        // defect M13
        let context = BranchContext::new("order-A", "01", BranchOp::Action, Mode::Saga);
        let row = Row::new(&context, BranchOp::Action, "01").unwrap();
        assert_eq!(row.reason_of("t", found("order-A")).unwrap(), "compensate");
        for other in [found("order-a"), found("order-A "), found("order-"), None] {
            let error = row.reason_of("t", other).unwrap_err();
            assert!(matches!(error, BarrierError::Confused { .. }), "{error}");
        }
    }

    #[test]
    fn what_the_columns_do_not_keep_is_refused_and_nothing_is_cut() {
        // defect M13
        for (gid, branch_id, field) in
            [("g".repeat(129), "01".into(), "gid"), ("g".into(), "1".repeat(129), "branch_id")]
        {
            let context = BranchContext::new(gid, branch_id, BranchOp::Action, Mode::Saga);
            let error = Row::new(&context, BranchOp::Action, "01").unwrap_err();
            assert!(
                matches!(error, BarrierError::TooLong { field: named, length: 129, .. } if named == field)
            );
        }
        let wide = BranchContext::new("订".repeat(128), "01", BranchOp::Action, Mode::Saga);
        assert!(Row::new(&wide, BranchOp::Action, "01").is_ok(), "it is characters that are counted");
    }
}
