//! Rows of DTM's tables. Both databases name the columns alike, so they are read alike.

use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::{BranchRecord, GlobalRecord, KeyValueRecord};

/// The column, or the default of its type where the row has none: `NULL` and empty mean the same to DTM.
fn text<R>(row: &R, column: &'static str) -> Result<String, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(row.try_get::<Option<String>, _>(column)?.unwrap_or_default())
}

fn millis<R>(row: &R, column: &'static str) -> Result<Option<u64>, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    for<'r> Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
{
    let seconds = row.try_get::<Option<i64>, _>(column)?;
    Ok(seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(|seconds| seconds.saturating_mul(1_000)))
}

pub(super) fn global<R>(row: &R) -> Result<GlobalRecord, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(GlobalRecord {
        gid: text(row, "gid")?,
        trans_type: text(row, "trans_type")?,
        status: text(row, "status")?,
        query_prepared: text(row, "query_prepared")?,
        protocol: text(row, "protocol")?,
        created: millis(row, "created")?,
        updated: millis(row, "updated")?,
        next_try: millis(row, "next_try")?,
        interval: row.try_get("tries")?,
        options: text(row, "options")?,
        custom_data: text(row, "custom_data")?,
        ext_data: text(row, "ext_data")?,
        rollback_reason: text(row, "rollback_reason")?,
        listed_steps: 0,
        branches_are_late: true, // up to 200 ms, unless UpdateBranchSync is 1, which no row says
    })
}

pub(super) fn branch<R>(row: &R) -> Result<BranchRecord, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(BranchRecord {
        branch_id: text(row, "branch_id")?,
        op: text(row, "op")?,
        status: text(row, "status")?,
        url: text(row, "url")?,
        data: row.try_get::<Option<Vec<u8>>, _>("bin_data")?.unwrap_or_default(),
        ended: millis(row, "ended")?,
    })
}

pub(super) fn key_value<R>(row: &R) -> Result<KeyValueRecord, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(KeyValueRecord { category: text(row, "cat")?, key: text(row, "k")?, value: text(row, "v")? })
}

/// What the tables look like at one moment.
pub(super) struct Look {
    /// Changes when DTM works.
    pub(super) fingerprint: String,
    pub(super) newest: Option<u64>,
    pub(super) now: u64,
    pub(super) others: u64,
}

/// A glance at the tables.
pub(super) fn look<R>(row: &R) -> Result<Look, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    for<'r> Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
{
    let number = |column: &'static str| row.try_get::<Option<i64>, _>(column);
    let touched = millis(row, "touched")?;
    Ok(Look {
        fingerprint: format!("{:?} {:?} {touched:?}", number("unfinished")?, number("last")?),
        newest: touched.max(millis(row, "newest")?),
        now: millis(row, "moment")?.unwrap_or(0),
        others: number("others")?.and_then(|others| u64::try_from(others).ok()).unwrap_or(0),
    })
}
