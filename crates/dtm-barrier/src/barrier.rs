//! The barrier of one call.

use dtm_core::model::Mode;

use crate::branch::MESSAGE_BRANCH;
#[cfg(any(feature = "_sql", feature = "mongodb"))]
use crate::table_name::TableName;
use crate::{BarrierError, BranchContext, BranchOp, NotABranchCall};

/// The barrier of one call to a branch: made from the request, used once for each database that the call changes.
///
/// The uses of one barrier are numbered 01, 02, ... and an action and its compensation have to use their databases in the same
/// order. After a use that failed every other fails, too: the answer to the request is then an error, and the transaction
/// manager calls again.
///
/// It is an extractor for axum (feature `axum`), and comes from the metadata of a gRPC request (feature `tonic`).
#[derive(Debug)]
pub struct BranchBarrier {
    context: BranchContext,
    #[cfg(any(feature = "_sql", feature = "mongodb"))]
    table: Option<TableName>,
    uses: u32,
    /// A use has begun and not succeeded: it failed, or its future was dropped.
    is_open: bool,
}

impl BranchBarrier {
    /// The barrier for a call that these four name.
    ///
    /// ```
    /// use dtm_barrier::{BranchBarrier, BranchOp, Mode};
    /// assert!(BranchBarrier::new(Mode::Saga, "order-1001", "01", BranchOp::Action).is_ok());
    /// assert!(BranchBarrier::new(Mode::Saga, "", "01", BranchOp::Action).is_err());
    /// ```
    ///
    /// # Errors
    /// [`NotABranchCall`] when the gid or the branch id is empty.
    pub fn new(
        mode: Mode,
        gid: impl Into<String>,
        branch_id: impl Into<String>,
        op: BranchOp,
    ) -> Result<Self, NotABranchCall> {
        Self::try_from(BranchContext::new(gid, branch_id, op, mode))
    }

    /// The barrier around the local transaction of a message: what is committed behind it makes the back-check of that gid
    /// say "committed".
    ///
    /// # Errors
    /// [`NotABranchCall`] when the gid is empty.
    pub fn of_message(gid: impl Into<String>) -> Result<Self, NotABranchCall> {
        Self::try_from(BranchContext::new(gid, MESSAGE_BRANCH, BranchOp::Message, Mode::Message))
    }

    /// The barrier for the call that the query of a URL names, without its `?`.
    ///
    /// # Errors
    /// As [`BranchContext::from_query`].
    pub fn from_query(query: &str) -> Result<Self, NotABranchCall> {
        Self::try_from(BranchContext::from_query(query)?)
    }

    /// Who is calling.
    #[must_use]
    pub const fn context(&self) -> &BranchContext {
        &self.context
    }

    /// Uses another table than the usual one; in MongoDB, another collection.
    #[cfg(any(feature = "_sql", feature = "mongodb"))]
    #[must_use]
    pub fn in_table(self, table: TableName) -> Self {
        Self { table: Some(table), ..self }
    }

    #[cfg(any(feature = "_sql", feature = "mongodb"))]
    pub(crate) const fn table(&self) -> Option<&TableName> {
        self.table.as_ref()
    }

    /// Begins a use and gives its id.
    pub(crate) fn begin_use(&mut self) -> Result<String, BarrierError> {
        if self.is_open {
            return Err(BarrierError::Spent);
        }
        self.is_open = true;
        Ok(format!("{:02}", self.uses.saturating_add(1)))
    }

    /// Ends the use that has begun: it succeeded.
    pub(crate) const fn end_use(&mut self) {
        self.is_open = false;
        self.uses = self.uses.saturating_add(1);
    }
}

impl TryFrom<BranchContext> for BranchBarrier {
    type Error = NotABranchCall;

    fn try_from(context: BranchContext) -> Result<Self, NotABranchCall> {
        for (name, value) in [("gid", &context.gid), ("branch_id", &context.branch_id)] {
            if value.is_empty() {
                return Err(NotABranchCall(format!("{name} is empty")));
            }
        }
        Ok(Self {
            context,
            #[cfg(any(feature = "_sql", feature = "mongodb"))]
            table: None,
            uses: 0,
            is_open: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_numbered_as_the_other_sdks_do() {
        let mut barrier = BranchBarrier::of_message("g").unwrap();
        let mut ids = Vec::new();
        for _ in 0..11 {
            ids.push(barrier.begin_use().unwrap());
            barrier.end_use();
        }
        assert_eq!((ids[0].as_str(), ids[8].as_str(), ids[10].as_str()), ("01", "09", "11"));
    }

    #[test]
    fn a_use_that_did_not_succeed_is_the_last() {
        let mut barrier = BranchBarrier::of_message("g").unwrap();
        assert!(barrier.begin_use().is_ok());
        assert!(matches!(barrier.begin_use(), Err(BarrierError::Spent)));
    }

    #[test]
    fn there_is_no_barrier_without_a_gid_or_a_branch() {
        for (gid, branch_id) in [("", "01"), ("g", "")] {
            assert!(BranchBarrier::new(Mode::Saga, gid, branch_id, BranchOp::Action).is_err());
        }
    }
}
