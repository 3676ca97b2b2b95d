//! Listings, newest first.

use dtm_core::model::Timestamp;
use dtm_store::Filter;

use super::MySql;
use super::error::fault;
use super::load::record;
use crate::fault::Fault;
use crate::record::Record;

/// By id, which never changes: each row is seen exactly once, whatever happens to others between two pages.
const SCAN: &str = "SELECT t.id, t.gid, t.status, t.owner, t.held, t.due, t.registered, t.definition, t.state \
    FROM dtm_transaction t FORCE INDEX (PRIMARY) WHERE t.id < ? AND (? IS NULL OR t.status = ?) \
    AND (? IS NULL OR t.mode = ?) AND t.created >= ? AND t.created <= ? ORDER BY t.id DESC LIMIT ?";

impl MySql {
    pub(super) async fn list(&self, filter: &Filter, before: i64, limit: i64) -> Result<Vec<Record>, Fault> {
        let Filter { status, mode, created_from, created_to } = filter;
        let (status, mode) = (status.map(|status| status.as_str()), mode.map(|mode| mode.as_str()));
        let statement = sqlx::query(SCAN)
            .bind(before)
            .bind(status)
            .bind(status)
            .bind(mode)
            .bind(mode)
            .bind(created_from.map_or(i64::MIN, bound))
            .bind(created_to.map_or(i64::MAX, bound))
            .bind(limit);
        let rows = self.reader().await?.rows(statement).await?;
        rows.iter().map(record).collect::<Result<_, _>>().map_err(fault)
    }
}

/// A bound that no column can reach is as good as the largest one.
fn bound(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
