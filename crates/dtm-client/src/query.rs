//! A transaction as the server shows it.

use dtm_core::model;
use dtm_core::model::{BranchStatus, Mode, Op, Status};

use crate::protocol::{QueriedBranch, QueriedTransaction, Query};

/// A transaction as it stood when the server was asked.
///
/// ```no_run
/// # async fn example(client: dtm_client::Client) -> Result<(), dtm_client::Error> {
/// if let Some(transaction) = client.query("order-1001").await? {
///     println!("{} is {}", transaction.gid, transaction.status);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transaction {
    /// Its name.
    pub gid: String,
    /// How it works.
    pub mode: Mode,
    /// Where it stands.
    pub status: Status,
    /// Why it is rolled back, when it is.
    pub rollback_reason: Option<String>,
    /// Its branches; a saga step has two, the compensation before the action.
    pub branches: Vec<Branch>,
}

/// One branch of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Branch {
    /// `01`, `02`, ... in the order of the steps.
    pub branch_id: String,
    /// What it is asked to do.
    pub op: Op,
    /// Where it stands.
    pub status: BranchStatus,
    /// The URL that is called.
    pub url: String,
}

/// Reads the body of an answer. A word that is not known is an error: no default is invented for it.
pub(crate) fn read(body: &[u8]) -> Result<Option<Transaction>, String> {
    let Query { transaction, branches } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Some(QueriedTransaction { gid, trans_type, status, rollback_reason }) = transaction else {
        return Ok(None);
    };
    Ok(Some(Transaction {
        gid,
        mode: Mode::parse(&trans_type).map_err(|error| error.to_string())?,
        status: Status::parse(&status).map_err(|error| error.to_string())?,
        rollback_reason: rollback_reason.filter(|reason| !reason.is_empty()),
        branches: branches
            .into_iter()
            .flatten()
            .map(|branch| read_branch(branch).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?,
    }))
}

fn read_branch(branch: QueriedBranch) -> Result<Branch, String> {
    let QueriedBranch { branch_id, op, status, url } = branch;
    Ok(Branch {
        op: Op::parse(&op).map_err(|error| error.to_string())?,
        status: BranchStatus::parse(&status).map_err(|error| error.to_string())?,
        branch_id,
        url: url.unwrap_or_else(String::new),
    })
}

impl From<&model::Transaction> for Transaction {
    fn from(stored: &model::Transaction) -> Self {
        let branch = |row: model::BranchRow<'_>| Branch {
            branch_id: row.branch_id.to_string(),
            op: row.op,
            status: row.progress.status,
            url: row.url.to_owned(),
        };
        Self {
            gid: stored.definition.gid.to_string(),
            mode: stored.definition.plan.mode(),
            status: stored.status(),
            rollback_reason: stored.state.reason.clone().filter(|reason| !reason.is_empty()),
            branches: model::rows(stored).into_iter().map(branch).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_read_with_its_branches() {
        // behaviour 28
        let body = br#"{"branches":[{"id":0,"gid":"g","url":"http://x/u","branch_id":"01","op":"compensate","status":"succeed"}],
            "transaction":{"id":0,"gid":"g","trans_type":"saga","status":"failed","rollback_reason":"no","concurrent":false}}"#;
        let transaction = read(body).unwrap().unwrap();
        assert_eq!((transaction.mode, transaction.status), (Mode::Saga, Status::Failed));
        assert_eq!(transaction.rollback_reason.as_deref(), Some("no"));
        assert_eq!(transaction.branches[0].op, Op::Compensate);
        assert_eq!(transaction.branches[0].status, BranchStatus::Succeed);
    }

    #[test]
    fn an_unknown_gid_is_none_and_an_unknown_status_is_an_error() {
        // behaviour 27
        assert_eq!(read(br#"{"branches":[],"transaction":null}"#), Ok(None));
        let body = br#"{"branches":null,"transaction":{"gid":"g","trans_type":"saga","status":"melted"}}"#;
        assert_eq!(read(body), Err("unknown status 'melted'".to_owned()));
        assert!(read(b"<html>").is_err());
    }
}
