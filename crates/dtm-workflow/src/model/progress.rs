//! What is recorded of a workflow.

use std::collections::HashMap;

use dtm_core::model::{BranchStatus, Op};

use super::{BranchNumber, Divergence};

/// One record as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) branch_id: String,
    pub(crate) op: Op,
    pub(crate) status: BranchStatus,
    pub(crate) data: Vec<u8>,
}

/// How a step ended. Nothing else is ever recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepEnd {
    /// It did it, with this result.
    Succeeded(Vec<u8>),
    /// It said no; see [`reason`](super::reason).
    Refused(Vec<u8>),
}

/// What is recorded, by branch and operation.
#[derive(Debug, Default)]
pub(crate) struct Progresses {
    ends: HashMap<(BranchNumber, Op), StepEnd>,
}

impl Progresses {
    /// Reads the records once; from then on each step is one look-up.
    ///
    /// # Errors
    /// [`Divergence`] for a record that no workflow writes: skipping it could run its step a second time.
    pub(crate) fn read(rows: Vec<Row>) -> Result<Self, Divergence> {
        let mut ends = HashMap::with_capacity(rows.len());
        for Row { branch_id, op, status, data } in rows {
            let strange =
                |what: String| Err(Divergence::new(what, &[format!("{branch_id} {}", op.as_str())], &[]));
            let Some(branch) = BranchNumber::parse(&branch_id) else {
                return strange(format!("'{branch_id}' is no branch of a workflow"));
            };
            let end = match status {
                BranchStatus::Succeed => StepEnd::Succeeded(data),
                BranchStatus::Failed => StepEnd::Refused(data),
                BranchStatus::Prepared => {
                    return strange(format!("branch {branch_id} is recorded as neither done nor refused"));
                }
            };
            if ends.insert((branch, op), end).is_some() {
                return strange(format!("branch {branch_id} is recorded twice"));
            }
        }
        Ok(Self { ends })
    }

    /// How a step ended; `None` when it has no record.
    pub(super) fn end_of(&self, branch: BranchNumber, op: Op) -> Option<&StepEnd> {
        self.ends.get(&(branch, op))
    }

    /// Whether any branch has a record of this operation.
    pub(super) fn has_any(&self, op: Op) -> bool {
        self.ends.keys().any(|(_, recorded)| *recorded == op)
    }

    /// All records, in the order of their branches.
    pub(super) fn steps(&self) -> Vec<(BranchNumber, Op)> {
        let mut steps: Vec<_> = self.ends.keys().copied().collect();
        steps.sort_unstable();
        steps
    }

    /// All records, for people.
    pub(super) fn shown(&self) -> Vec<String> {
        self.steps().into_iter().map(|(branch, op)| format!("{branch} {}", op.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(branch_id: &str, op: Op, status: BranchStatus) -> Row {
        Row { branch_id: branch_id.to_owned(), op, status, data: b"data".to_vec() }
    }

    #[test]
    fn a_record_is_found_by_its_branch_and_operation() {
        let rows = vec![
            row("02", Op::Action, BranchStatus::Failed),
            row("01", Op::Rollback, BranchStatus::Succeed),
            row("01", Op::Action, BranchStatus::Succeed),
        ];
        let progresses = Progresses::read(rows).unwrap();
        let [one, two] = [0, 1].map(BranchNumber::at);
        assert_eq!(progresses.end_of(one, Op::Action), Some(&StepEnd::Succeeded(b"data".to_vec())));
        assert_eq!(progresses.end_of(two, Op::Action), Some(&StepEnd::Refused(b"data".to_vec())));
        assert_eq!(progresses.end_of(two, Op::Rollback), None);
        assert_eq!(progresses.shown(), ["01 action", "01 rollback", "02 action"]);
        assert!(progresses.has_any(Op::Rollback) && !progresses.has_any(Op::Commit));
    }

    #[test]
    fn a_record_that_no_workflow_writes_stops_it_loudly() {
        for (rows, words) in [
            (vec![row("0101", Op::Action, BranchStatus::Succeed)], "'0101' is no branch"),
            (vec![row("01", Op::Action, BranchStatus::Prepared)], "neither done nor refused"),
            (vec![row("01", Op::Action, BranchStatus::Succeed); 2], "recorded twice"),
        ] {
            let message = Progresses::read(rows).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
