//! Reading a transaction, and a row in general.

use dtm_core::model::Gid;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::MySql;
use super::chunks::{Sized, padded};
use super::error::fault;
use crate::fault::Fault;
use crate::record::Record;
use crate::session::Session;

/// One statement, and so one moment: a row for each branch, or one without.
const LOAD: &str = "SELECT t.id, t.gid, t.status, t.owner, t.held, t.due, t.registered, t.definition, t.state, \
    b.registration FROM dtm_transaction t LEFT JOIN dtm_branch b ON b.transaction_id = t.id \
    WHERE t.gid = ? ORDER BY b.position";

impl MySql {
    pub(super) async fn read(&self, gid: &Gid) -> Result<Option<Record>, Fault> {
        let rows = self.reader().await?.rows(sqlx::query(LOAD).bind(gid.as_str().as_bytes())).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let mut whole = record(first).map_err(fault)?;
        for row in &rows {
            whole.branches.extend(optional_text(row, "registration").map_err(fault)?);
        }
        Ok(Some(whole))
    }

    /// The branches of records whose rows are locked.
    pub(super) async fn add_branches(
        &self,
        session: &mut Session<'_, sqlx::MySql>,
        records: &mut [Record],
    ) -> Result<(), Fault> {
        let ids: Vec<i64> =
            records.iter().filter(|record| record.registered > 0).map(|record| record.id).collect();
        for piece in padded(&ids) {
            let mut statement = sqlx::query(self.statements.branches.of(piece.len()));
            for id in &piece {
                statement = statement.bind(*id);
            }
            for row in session.rows(statement).await? {
                let id: i64 = row.try_get("transaction_id").map_err(fault)?;
                let branch = text(&row, "registration").map_err(fault)?;
                if let Some(record) = records.iter_mut().find(|record| record.id == id) {
                    record.branches.push(branch);
                }
            }
        }
        Ok(())
    }
}

pub(super) fn branches() -> Sized {
    Sized::new(
        "SELECT transaction_id, registration FROM dtm_branch WHERE transaction_id IN (",
        "?",
        ") ORDER BY transaction_id, position",
    )
}

/// A row, without its branches.
pub(super) fn record(row: &MySqlRow) -> Result<Record, sqlx::Error> {
    Ok(Record {
        id: row.try_get("id")?,
        gid: text(row, "gid")?,
        status: text(row, "status")?,
        owner: text(row, "owner")?,
        held: row.try_get("held")?,
        due: row.try_get("due")?,
        registered: row.try_get("registered")?,
        definition: text(row, "definition")?,
        state: text(row, "state")?,
        branches: Vec::new(),
    })
}

/// Text, in a column of bytes or of text.
pub(super) fn text(row: &MySqlRow, column: &str) -> Result<String, sqlx::Error> {
    optional_text(row, column)?
        .ok_or_else(|| sqlx::Error::ColumnDecode { index: column.to_owned(), source: "it is null".into() })
}

pub(super) fn optional_text(row: &MySqlRow, column: &str) -> Result<Option<String>, sqlx::Error> {
    let bytes: Option<Vec<u8>> = row.try_get_unchecked(column)?;
    bytes
        .map(String::from_utf8)
        .transpose()
        .map_err(|error| sqlx::Error::ColumnDecode { index: column.to_owned(), source: error.into() })
}
