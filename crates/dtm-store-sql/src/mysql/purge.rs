//! Removal of what is finished.

use sqlx::Row as _;

use super::MySql;
use super::chunks::{Sized, padded};
use super::error::fault;
use super::sql::framed;
use crate::fault::Fault;

/// Ids grow in the order in which rows were recorded, more or less, and none finishes before it is recorded: the walk
/// ends at the first that is too young. So no index is needed, and none has to be kept up to date by every write. What
/// is damaged stays, for the operator.
const STRIDE: &str = concat!(
    "SELECT t.id, t.recorded, t.finished, ",
    framed!(),
    " AS framed FROM dtm_transaction t WHERE t.id > ? ORDER BY t.id LIMIT 1000"
);

/// What is finished never changes, so nothing needs to be looked at again: `trans` refuses it.
pub(super) fn remove() -> Sized {
    Sized::new("DELETE FROM dtm_transaction WHERE due IS NULL AND id IN (", "?", ")")
}

pub(super) fn remove_branches() -> Sized {
    Sized::new("DELETE FROM dtm_branch WHERE transaction_id IN (", "?", ")")
}

impl MySql {
    pub(super) async fn remove_old(&self, finished_before: i64, limit: usize) -> Result<usize, Fault> {
        let (mut removed, mut last) = (0, 0_i64);
        while removed < limit {
            let stride = self.reader().await?.rows(sqlx::query(STRIDE).bind(last)).await?;
            let (mut ids, mut end) = (Vec::new(), stride.is_empty());
            for row in &stride {
                last = row.try_get("id").map_err(fault)?;
                let recorded: i64 = row.try_get("recorded").map_err(fault)?;
                let finished: Option<i64> = row.try_get("finished").map_err(fault)?;
                let framed: i64 = row.try_get("framed").map_err(fault)?;
                if recorded >= finished_before {
                    end = true;
                    break;
                }
                if framed == 1 && finished.is_some_and(|at| at < finished_before) {
                    ids.push(last);
                    if removed + ids.len() == limit {
                        break;
                    }
                }
            }
            removed += self.remove_these(&ids).await?;
            if end {
                break;
            }
        }
        Ok(removed)
    }

    async fn remove_these(&self, ids: &[i64]) -> Result<usize, Fault> {
        let mut removed = 0;
        for piece in padded(ids) {
            let mut session = self.reader().await?;
            session.begin().await?;
            let mut statement = sqlx::query(self.statements.remove.of(piece.len()));
            let mut of_branches = sqlx::query(self.statements.remove_branches.of(piece.len()));
            for id in &piece {
                (statement, of_branches) = (statement.bind(*id), of_branches.bind(*id));
            }
            let count = session.change(statement).await?;
            session.rows(of_branches).await?;
            session.commit().await?;
            removed += usize::try_from(count).unwrap_or(0);
        }
        Ok(removed)
    }
}
