//! What a workflow's function gets.

use std::sync::Arc;

use crate::Branch;
use crate::execution::Execution;
use crate::model::Replay;

/// One execution of a workflow, handed to its function.
///
/// The function is run again whenever its process died, a step failed to answer, or nobody knows what became
/// of one. So it has to be *deterministic*: it asks for the same branches in the same order each time, and
/// decides on nothing but its input and the results of its steps. Whatever else it needs (the time, a random
/// number, the answer of a database) it asks for inside a step, which is recorded once and replayed from then on.
///
/// Steps may run at the same time, if their branches are there before the first of them is awaited:
///
/// ```
/// use dtm_workflow::{BranchError, Workflow};
///
/// async fn both(wf: Workflow, _input: ()) -> Result<u64, BranchError> {
///     let (stock, money) = (wf.branch(), wf.branch());
///     let (one, two) = tokio::try_join!(stock.run(async |_| Ok(1)), money.run(async |_| Ok(2)))?;
///     Ok(one + two)
/// }
/// # let _ = both;
/// ```
#[derive(Debug)]
pub struct Workflow {
    execution: Arc<Execution>,
}

impl Workflow {
    pub(crate) const fn new(execution: Arc<Execution>) -> Self {
        Self { execution }
    }

    /// The name of this transaction.
    #[must_use]
    pub fn gid(&self) -> &str {
        self.execution.gid()
    }

    /// The next branch: one action, and what is to be called when the workflow is committed or rolled back.
    pub fn branch(&self) -> Branch {
        let number = self.execution.replay(Replay::take);
        Branch::new(Arc::clone(&self.execution), number)
    }
}
