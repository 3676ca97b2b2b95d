//! Listings, newest first.

use std::ops::Bound;

use dtm_core::model::Gid;
use dtm_store::codec::decode_state;
use dtm_store::{Cursor, Error, Filter, Listed, Page};

use crate::engine::{Engine, Value, read};
use crate::error::{Failure, Unreadable};
use crate::keys::{self, Number};
use crate::lease::gid_of_damaged;
use crate::load::definition_of;
use crate::schema::{Row, split_row};

/// How many rows are looked at before batches may go on.
const STRIDE: usize = 256;

/// What every cursor of this store begins with.
const CURSOR: &str = "sled:";

/// One page of a listing. Between strides other rows may change, and new ones may come; the numbers of the rows
/// do not change, so each is seen exactly once.
pub(crate) fn scan(
    engine: &Engine,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page, Failure> {
    let mut before = after.map(read_cursor).transpose()?;
    let mut page = Page { transactions: Vec::new(), next: None };
    while page.transactions.len() < limit {
        let last = engine.read(|tree| stride(tree, filter, before, limit, &mut page))?;
        match last {
            Some(last) => before = Some(last),
            None => return Ok(page),
        }
    }
    page.next = before.map(|number| Cursor(format!("{CURSOR}{}", number.0)));
    Ok(page)
}

/// Looks at some rows before a number; says where it stopped, `None` at the end.
fn stride(
    tree: &sled::Tree,
    filter: &Filter,
    before: Option<Number>,
    limit: usize,
    page: &mut Page,
) -> Result<Option<Number>, Failure> {
    let mut last = None;
    for entry in tree.range(states_before(before)).rev().take(STRIDE) {
        let (key, entry) = entry?;
        let Some(number) = keys::number_in(&key) else {
            return Err(Failure::Broken("a state has no number".to_owned()));
        };
        let unreadable = |error: Unreadable| match gid_of_damaged(&entry).map(|gid| Gid::parse(&gid)) {
            Some(Ok(gid)) => error.of(&gid),
            Some(Err(_)) | None => error.of_store(&format!("transaction number {}", number.0)),
        };
        let value = read(tree, &key).map_err(unreadable)?;
        let Some(value) = value else { continue };
        if let Some(listed) = list(tree, number, filter, &value).map_err(unreadable)? {
            page.transactions.push(listed);
        }
        last = Some(number);
        if page.transactions.len() == limit {
            break;
        }
    }
    Ok(last)
}

fn list(
    tree: &sled::Tree,
    number: Number,
    filter: &Filter,
    value: &Value,
) -> Result<Option<Listed>, Unreadable> {
    let (row, texts) = split_row(value.body()).map_err(Unreadable::Damaged)?;
    if !matches(filter, &row) {
        return Ok(None);
    }
    Ok(Some(Listed {
        definition: definition_of(tree, number, texts)?,
        state: decode_state(texts.state)?,
        owner: row.head.owner,
        due: row.head.due,
    }))
}

fn matches(filter: &Filter, row: &Row) -> bool {
    let Filter { status, mode, created_from, created_to } = filter;
    status.is_none_or(|status| status == row.head.status)
        && mode.is_none_or(|mode| mode == row.mode)
        && created_from.is_none_or(|from| row.created_at >= from)
        && created_to.is_none_or(|to| row.created_at <= to)
}

fn read_cursor(cursor: &Cursor) -> Result<Number, Error> {
    cursor.0.strip_prefix(CURSOR).and_then(|number| number.parse().ok()).map(Number).ok_or_else(|| {
        Error::Rejected {
            what: "the cursor".to_owned(),
            detail: "it is not one of this store: begin the listing anew".to_owned(),
        }
    })
}

/// The range of states before a number, for a listing that goes back in time.
fn states_before(number: Option<Number>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let start = Bound::Included(vec![keys::STATE]);
    match number {
        Some(number) => (start, Bound::Excluded(keys::state(number).to_vec())),
        None => (start, Bound::Excluded(vec![keys::STATE + 1])),
    }
}
