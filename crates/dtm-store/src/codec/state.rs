//! The state: small, and rewritten by every durable step. Of the rows only those that were touched are listed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use dtm_core::model::{
    Amendment, BranchIndex, BranchProgress, BranchStatus, Options, Seconds, State, Status, Timestamp,
};

use super::CodecError;
use super::document::{VERSION, from_text, present, to_text};
use super::options::OptionsDocument;

const NAME: &str = "state";

/// More rows than any transaction can have: a number above it is damage, not a reason to allocate memory.
const ROWS_MAX: u32 = 10_000_000;

/// The document of a state.
///
/// # Errors
/// [`CodecError`] when it cannot be written as JSON, or has more rows than a document may have.
pub fn encode_state(state: &State) -> Result<String, CodecError> {
    let State {
        status,
        reason,
        result,
        progress,
        starts_recorded,
        failures,
        interval,
        next_retry,
        updated_at,
        finished_at,
        amendment,
    } = state;
    let row_count = u32::try_from(progress.len()).ok().filter(|count| *count <= ROWS_MAX);
    let Some(row_count) = row_count else {
        return Err(CodecError::new(NAME, format!("it has more than {ROWS_MAX} rows")));
    };
    let document = StateDocument {
        v: VERSION,
        status: status.as_str().into(),
        reason: reason.as_deref().map(Cow::from),
        result: result.as_deref().map(Cow::from),
        row_count,
        rows: (0..)
            .map(BranchIndex::new)
            .zip(progress)
            .filter(|(_, row)| **row != BranchProgress::UNTOUCHED)
            .map(|(index, row)| RowDocument::new(index, row))
            .collect(),
        starts_recorded: *starts_recorded,
        failures: *failures,
        interval: interval.get(),
        next_retry: next_retry.as_millis(),
        updated_at: updated_at.as_millis(),
        finished_at: finished_at.map(Timestamp::as_millis),
        amendment: amendment.as_ref().map(AmendmentDocument::from),
    };
    let size_hint = 320
        + document.rows.len() * 80
        + reason.as_ref().map_or(0, String::len)
        + result.as_ref().map_or(0, String::len);
    to_text(NAME, &document, size_hint)
}

/// The state in a document.
///
/// # Errors
/// [`CodecError`] when it is not exactly a document of a known version.
pub fn decode_state(text: &str) -> Result<State, CodecError> {
    let document: StateDocument<'_> = from_text(NAME, text, |document: &StateDocument<'_>| document.v)?;
    Ok(State {
        status: Status::parse(&document.status).map_err(|error| CodecError::new(NAME, error))?,
        reason: document.reason.map(Cow::into_owned),
        result: document.result.map(Cow::into_owned),
        progress: progress(document.row_count, &document.rows)?,
        starts_recorded: document.starts_recorded,
        failures: document.failures,
        interval: Seconds::new(document.interval),
        next_retry: Timestamp::from_millis(document.next_retry),
        updated_at: Timestamp::from_millis(document.updated_at),
        finished_at: document.finished_at.map(Timestamp::from_millis),
        amendment: document.amendment.map(Amendment::from),
    })
}

fn progress(row_count: u32, rows: &[RowDocument<'_>]) -> Result<Vec<BranchProgress>, CodecError> {
    if row_count > ROWS_MAX {
        return Err(CodecError::new(NAME, format!("it has {row_count} rows, more than {ROWS_MAX}")));
    }
    if !rows.is_sorted_by(|a, b| a.row < b.row) {
        return Err(CodecError::new(NAME, "its rows are not in order"));
    }
    let mut progress = vec![BranchProgress::UNTOUCHED; row_count as usize];
    for row in rows {
        let Some(slot) = progress.get_mut(row.row as usize) else {
            return Err(CodecError::new(NAME, format!("row {} is not below {row_count}", row.row)));
        };
        *slot = BranchProgress {
            status: BranchStatus::parse(&row.status).map_err(|error| CodecError::new(NAME, error))?,
            started: row.started,
            attempts: row.attempts,
            ended_at: row.ended_at.map(Timestamp::from_millis),
        };
    }
    Ok(progress)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateDocument<'a> {
    v: u32,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "present")]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "present")]
    result: Option<Cow<'a, str>>,
    row_count: u32,
    #[serde(borrow)]
    rows: Vec<RowDocument<'a>>,
    starts_recorded: bool,
    failures: u32,
    interval: u32,
    next_retry: u64,
    updated_at: u64,
    #[serde(deserialize_with = "present")]
    finished_at: Option<u64>,
    #[serde(borrow, deserialize_with = "present")]
    amendment: Option<AmendmentDocument<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowDocument<'a> {
    row: u32,
    #[serde(borrow)]
    status: Cow<'a, str>,
    started: bool,
    attempts: u32,
    #[serde(deserialize_with = "present")]
    ended_at: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AmendmentDocument<'a> {
    #[serde(borrow)]
    options: OptionsDocument<'a>,
    #[serde(deserialize_with = "present")]
    delay: Option<u32>,
}

impl RowDocument<'_> {
    fn new(index: BranchIndex, progress: &BranchProgress) -> Self {
        let BranchProgress { status, started, attempts, ended_at } = *progress;
        Self {
            row: index.get(),
            status: status.as_str().into(),
            started,
            attempts,
            ended_at: ended_at.map(Timestamp::as_millis),
        }
    }
}

impl<'a> From<&'a Amendment> for AmendmentDocument<'a> {
    fn from(amendment: &'a Amendment) -> Self {
        let Amendment { options, delay } = amendment;
        Self { options: options.into(), delay: delay.map(Seconds::get) }
    }
}

impl From<AmendmentDocument<'_>> for Amendment {
    fn from(document: AmendmentDocument<'_>) -> Self {
        Self { options: Options::from(document.options), delay: document.delay.map(Seconds::new) }
    }
}
