//! Reading a transaction, and a row in general.

use dtm_core::model::Gid;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::Postgres;
use super::error::fault;
use crate::fault::Fault;
use crate::record::Record;

/// One statement, and so one moment.
const LOAD: &str = "SELECT t.id, t.gid, t.status, t.owner, t.held, t.due, t.registered, t.definition, t.state, \
    ARRAY(SELECT b.registration FROM dtm_branch b WHERE b.transaction_id = t.id ORDER BY b.position) AS branches \
    FROM dtm_transaction t WHERE t.gid = $1";

impl Postgres {
    pub(super) async fn read(&self, gid: &Gid) -> Result<Option<Record>, Fault> {
        let row = self.reader().await?.row(sqlx::query(LOAD).bind(gid.as_str())).await?;
        row.map(|row| Ok(Record { branches: row.try_get("branches")?, ..record(&row)? }))
            .transpose()
            .map_err(fault)
    }
}

/// A row, without its branches.
pub(super) fn record(row: &PgRow) -> Result<Record, sqlx::Error> {
    Ok(Record {
        id: row.try_get("id")?,
        gid: row.try_get("gid")?,
        status: row.try_get("status")?,
        owner: row.try_get("owner")?,
        held: row.try_get("held")?,
        due: row.try_get("due")?,
        registered: row.try_get("registered")?,
        definition: row.try_get("definition")?,
        state: row.try_get("state")?,
        branches: Vec::new(),
    })
}
