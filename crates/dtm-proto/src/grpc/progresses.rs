//! Where a workflow stands, as it is answered.

use dtm_core::model::{Transaction, rows};

use super::dtmgimp::{DtmProgress, DtmProgressesReply, DtmTransaction};

impl From<&Transaction> for DtmProgressesReply {
    /// Behaviour 48, and the result, which DTM leaves out (decision 17).
    fn from(transaction: &Transaction) -> Self {
        let state = &transaction.state;
        let progress = |row: dtm_core::model::BranchRow<'_>| DtmProgress {
            status: row.progress.status.as_str().to_owned(),
            bin_data: row.payload.as_bytes().to_vec(),
            branch_id: row.branch_id.to_string(),
            op: row.op.as_str().to_owned(),
        };
        Self {
            transaction: Some(DtmTransaction {
                gid: transaction.definition.gid.to_string(),
                status: state.status.as_str().to_owned(),
                rollback_reason: state.reason.as_deref().unwrap_or_default().to_owned(),
                result: state.result.as_deref().unwrap_or_default().to_owned(),
            }),
            progresses: rows(transaction).into_iter().map(progress).collect(),
        }
    }
}
