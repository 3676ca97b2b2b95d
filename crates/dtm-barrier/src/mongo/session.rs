//! Transactions that keep what they say.

use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use mongodb::{Client, ClientSession};

use crate::{BarrierError, BranchError};

/// Another transaction wrote the same, and has not ended or ended after this one began.
const WRITE_CONFLICT: i32 = 112;
/// A row with the same key was there, and the snapshot did not show it.
const DUPLICATE_KEY: i32 = 11_000;

/// Begins a transaction. Nothing is left to the defaults of the client: they may be those of a cache.
pub(super) async fn begin(client: &Client) -> Result<ClientSession, BarrierError> {
    let failed = |error| database("begin a transaction (it needs a replica set)", error);
    let mut session = client.start_session().await.map_err(failed)?;
    session
        .start_transaction()
        .read_concern(ReadConcern::snapshot())
        .write_concern(WriteConcern::majority())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .await
        .map_err(failed)?;
    Ok(session)
}

/// Commits. The driver asks a second time by itself when the first answer is lost.
pub(super) async fn commit(session: &mut ClientSession) -> Result<(), BarrierError> {
    session.commit_transaction().await.map_err(|error| database("answer the commit", error))
}

/// What a branch says when a row could not be written: somebody else is at the same call, or the database failed.
pub(super) fn not_written(what: String, error: Error) -> BranchError {
    if is_conflict(&error) { BranchError::Ongoing } else { database(&what, error).into() }
}

/// Whether somebody else has written the same row at the same time.
fn is_conflict(error: &Error) -> bool {
    let code = match error.kind.as_ref() {
        ErrorKind::Command(error) => error.code,
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code,
        _ => return false,
    };
    code == DUPLICATE_KEY || code == WRITE_CONFLICT
}

pub(super) fn database(what: &str, error: Error) -> BarrierError {
    BarrierError::Database { what: what.to_owned(), source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use mongodb::error::{CommandError, WriteError};
    use serde_json::{from_value, json};

    use super::*;

    fn command(code: i32) -> Error {
        let said = json!({ "code": code, "codeName": "c", "errmsg": "m" });
        ErrorKind::Command(from_value::<CommandError>(said).unwrap()).into()
    }

    fn write(code: i32) -> Error {
        let said = json!({ "code": code, "codeName": "c", "errmsg": "m" });
        ErrorKind::Write(WriteFailure::WriteError(from_value::<WriteError>(said).unwrap())).into()
    }

    #[test]
    fn who_writes_the_same_row_at_the_same_moment_is_asked_again_and_everything_else_is_an_error() {
        let said = |error| not_written("write".to_owned(), error);
        for conflict in [write(DUPLICATE_KEY), command(DUPLICATE_KEY), command(WRITE_CONFLICT)] {
            assert!(matches!(said(conflict), BranchError::Ongoing));
        }
        const NO_SUCH_TRANSACTION: i32 = 251;
        for other in [command(NO_SUCH_TRANSACTION), write(121), ErrorKind::SessionsNotSupported.into()] {
            assert!(matches!(said(other), BranchError::Retry(_)));
        }
    }
}
