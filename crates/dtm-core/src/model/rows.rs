//! The branch rows of a transaction, in the order in which DTM stores and shows them.

use super::{
    BranchId, BranchIndex, BranchProgress, BranchStatus, Op, Payload, Plan, Registration, StepIndex,
    Transaction,
};

/// One branch row: a branch and one thing that it can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchRow<'a> {
    /// Its position.
    pub index: BranchIndex,
    /// Its branch.
    pub branch_id: BranchId,
    /// What it is asked to do.
    pub op: Op,
    /// Where; empty when there is nothing to do.
    pub url: &'a str,
    /// With which body.
    pub payload: &'a Payload,
    /// How far it has come.
    pub progress: BranchProgress,
}

/// All rows in storage order (behaviour 29, 56, 75, 82, 86):
///
/// | mode | rows |
/// |---|---|
/// | saga | per step: compensate, action |
/// | tcc | per registration: cancel, confirm |
/// | xa | per registration: rollback, commit |
/// | msg | per step: action |
/// | workflow | one per registration |
///
/// The work is linear in the number of rows.
#[must_use]
pub fn rows(transaction: &Transaction) -> Vec<BranchRow<'_>> {
    let mut list = List { transaction, rows: Vec::new() };
    match &transaction.definition.plan {
        Plan::Saga { steps, .. } => {
            for (index, step) in (0..).map(StepIndex::new).zip(steps) {
                let id = step.branch_id.clone().unwrap_or_else(|| BranchId::of_step(index));
                list.push(&id, Op::Compensate, &step.compensate, &step.payload);
                list.push(&id, Op::Action, &step.action, &step.payload);
            }
        }
        Plan::Message { steps, .. } => {
            for (index, step) in (0..).map(StepIndex::new).zip(steps) {
                let id = step.branch_id.clone().unwrap_or_else(|| BranchId::of_step(index));
                list.push(&id, Op::Action, &step.action, &step.payload);
            }
        }
        Plan::Tcc | Plan::Xa | Plan::Workflow { .. } => {
            for registration in &transaction.registrations {
                list.register(registration);
            }
        }
    }
    list.rows
}

struct List<'a> {
    transaction: &'a Transaction,
    rows: Vec<BranchRow<'a>>,
}

impl<'a> List<'a> {
    fn next_index(&self) -> BranchIndex {
        BranchIndex::new(u32::try_from(self.rows.len()).unwrap_or(u32::MAX))
    }

    fn push(&mut self, branch_id: &BranchId, op: Op, url: &'a str, payload: &'a Payload) {
        let index = self.next_index();
        let progress = self.transaction.state.progress_of(index);
        self.rows.push(BranchRow { index, branch_id: branch_id.clone(), op, url, payload, progress });
    }

    fn register(&mut self, registration: &'a Registration) {
        match registration {
            Registration::Tcc { branch_id, confirm, cancel, data } => {
                self.push(branch_id, Op::Cancel, cancel, data);
                self.push(branch_id, Op::Confirm, confirm, data);
            }
            Registration::Xa { branch_id, url, data } => {
                self.push(branch_id, Op::Rollback, url, data);
                self.push(branch_id, Op::Commit, url, data);
            }
            Registration::Workflow { branch_id, op, status, data } => {
                self.push(branch_id, *op, "", data);
                self.set_status(*status);
            }
        }
    }

    fn set_status(&mut self, status: BranchStatus) {
        if let Some(row) = self.rows.last_mut() {
            row.progress.status = status;
        }
    }
}
