//! Removal of what is finished.

use sqlx::Row as _;

use super::Postgres;
use super::error::fault;
use super::sql::framed;
use crate::fault::Fault;

/// Ids grow in the order in which rows were recorded, more or less, and none finishes before it is recorded: the walk
/// ends at the first that is too young. So no index is needed, and none has to be kept up to date by every write.
const STRIDE: &str =
    "SELECT id, recorded, finished FROM dtm_transaction WHERE id > $1 ORDER BY id LIMIT 1000";

/// What is damaged stays, for the operator.
const REMOVE: &str = concat!(
    "WITH gone AS ( \
        DELETE FROM dtm_transaction t WHERE t.id = ANY($1) AND t.finished < $2 AND t.due IS NULL AND ",
    framed!(),
    " RETURNING t.id), \
    branches AS (DELETE FROM dtm_branch b USING gone WHERE b.transaction_id = gone.id) \
    SELECT count(*) AS count FROM gone"
);

impl Postgres {
    pub(super) async fn remove(&self, finished_before: i64, limit: usize) -> Result<usize, Fault> {
        let (mut removed, mut last) = (0, 0_i64);
        while removed < limit {
            let stride = self.reader().await?.rows(sqlx::query(STRIDE).bind(last)).await?;
            let (mut ids, mut end) = (Vec::new(), stride.is_empty());
            for row in &stride {
                last = row.try_get("id").map_err(fault)?;
                let recorded: i64 = row.try_get("recorded").map_err(fault)?;
                let finished: Option<i64> = row.try_get("finished").map_err(fault)?;
                if recorded >= finished_before {
                    end = true;
                    break;
                }
                if finished.is_some_and(|at| at < finished_before) {
                    ids.push(last);
                    if removed + ids.len() == limit {
                        break;
                    }
                }
            }
            if !ids.is_empty() {
                removed += self.remove_these(ids, finished_before).await?;
            }
            if end {
                break;
            }
        }
        Ok(removed)
    }

    async fn remove_these(&self, ids: Vec<i64>, finished_before: i64) -> Result<usize, Fault> {
        let statement = sqlx::query(REMOVE).bind(ids).bind(finished_before);
        let Some(row) = self.reader().await?.row(statement).await? else { return Ok(0) };
        let count: i64 = row.try_get("count").map_err(fault)?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}
