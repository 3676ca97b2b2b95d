//! What is prepared in a database.

use sqlx::Pool;

use super::XaDatabase;
use crate::BarrierError;
use crate::sql::database;

/// A transaction that is prepared, by the parts of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// The global transaction, if it is one of ours: others may have names of the same form.
    pub gid: String,
    /// The branch.
    pub branch_id: String,
}

/// All that is prepared in a database and could be a branch, the oldest first in PostgreSQL. The transaction manager finishes
/// its branches by itself, also after a crash; this is for looking, and for branches of a manager that has lost its data.
///
/// # Errors
/// [`BarrierError::Database`]: no connection, no right to see it, ...
pub async fn prepared<DB: XaDatabase>(pool: &Pool<DB>) -> Result<Vec<Prepared>, BarrierError> {
    let failed = |error| database("say what is prepared", error);
    let mut connection = pool.acquire().await.map_err(failed)?;
    let names = DB::prepared(&mut connection).await.map_err(failed)?;
    let parts = names.iter().filter_map(|name| name.rsplit_once('-'));
    Ok(parts
        .map(|(gid, branch_id)| Prepared { gid: gid.to_owned(), branch_id: branch_id.to_owned() })
        .collect())
}
