//! Removal of what is finished.

use dtm_core::model::Timestamp;

use crate::backend::Batch;
use crate::engine::{Value, read};
use crate::error::{Failure, Unreadable};
use crate::keys::{self, Number};
use crate::operation::Output;
use crate::schema::{Row, split_row};
use crate::trans::branch_index;

impl Batch<'_> {
    /// Removes what finished before that time. Transactions are numbered in the order in which they were
    /// recorded, and none finishes before it is recorded, so the walk ends at the first that is too young.
    pub(crate) fn purge(&mut self, finished_before: Timestamp, limit: usize) -> Result<Output, Failure> {
        let mut removed = 0;
        for entry in self.view.tree().scan_prefix([keys::STATE]) {
            let (key, _) = entry?;
            if removed == limit {
                break;
            }
            let Some(number) = keys::number_in(&key) else { continue };
            let value = match read(&self.view, &key) {
                Ok(Some(value)) => value,
                // removed by an earlier operation of this batch; or unreadable, and then it stays for the operator
                Ok(None) | Err(Unreadable::Damaged(_)) => continue,
                Err(error) => return Err(error.of_store("a state")),
            };
            let Ok((row, _)) = split_row(value.body()) else { continue };
            if row.recorded_at >= finished_before {
                break;
            }
            if row.finished_at.is_some_and(|at| at < finished_before) && row.head.status.is_final() {
                removed += usize::from(self.remove(number, &row, &value)?);
            }
        }
        Ok(Output::Purged(removed))
    }

    /// Removes a transaction, unless a part of it cannot be read: then it stays, for the operator.
    fn remove(&mut self, number: Number, row: &Row, value: &Value) -> Result<bool, Failure> {
        let mut others = vec![keys::gid(&row.gid), keys::definition(number).to_vec()];
        others.extend(
            (0..branch_index(row.head.registered)?).map(|index| keys::branch(number, index).to_vec()),
        );
        let mut values = Vec::with_capacity(others.len());
        for key in &others {
            match read(&self.view, key) {
                Ok(value) => values.push(value),
                Err(Unreadable::Damaged(_)) => return Ok(false),
                Err(error) => return Err(error.of_store("a value")),
            }
        }
        for (key, value) in others.iter().zip(&values) {
            if let Some(value) = value {
                self.view.remove(key, value);
            }
        }
        self.view.remove(&keys::state(number), value);
        Ok(true)
    }
}
