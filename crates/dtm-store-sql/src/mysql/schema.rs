//! The tables: made and upgraded by whichever server comes first, under a lock, with a version in a row.
//!
//! A table is made at once and for good here, not with the transaction around it. So each script can be run again, by
//! whoever comes after one that died in the middle, and the version is written last.

use dtm_store::Error;
use sqlx::{MySqlConnection, Row as _};

use super::connect::fatal;
use super::error::number;
use crate::schema::{missing, newest};

/// What each version adds to the one before, from version 1 on. What was released is never changed here.
const VERSIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The table with the version; it has never changed.
const KV: &str = include_str!("schema/kv.sql");

const HAS_KV: &str = "SELECT COUNT(*) AS present FROM information_schema.tables \
    WHERE table_schema = DATABASE() AND table_name = 'dtm_kv'";

const VERSION: &str = "SELECT version FROM dtm_kv WHERE category = 'schema' AND name = 'version'";

/// Held until it is given back, or until the connection ends. One for each database of a server.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('dtm-', LEFT(SHA2(DATABASE(), 256), 32)), 60) AS locked";

const UNLOCK: &str = "SELECT RELEASE_LOCK(CONCAT('dtm-', LEFT(SHA2(DATABASE(), 256), 32)))";

const SET_VERSION: &str = "INSERT INTO dtm_kv (category, name, version, value) VALUES ('schema', 'version', ?, '{}') \
    ON DUPLICATE KEY UPDATE version = VALUES(version)";

/// MySQL cannot be told to add a column only when it is missing. A script that adds some is one statement, which adds all
/// or none.
const COLUMN_EXISTS: u16 = 1060;

/// Makes the tables what this server needs, if it is to `make` any. Tables of a newer server are refused: what it writes would be damage
/// to the other.
pub(super) async fn bring_up_to_date(
    connection: &mut MySqlConnection,
    place: &str,
    make: bool,
) -> Result<(), Error> {
    let failed = |error| fatal(place, error);
    // whoever has no right to make tables can still use those that somebody else made
    if missing(VERSIONS, place, present(connection).await.map_err(failed)?)?.is_empty() {
        return Ok(());
    }
    if !make {
        return Err(Error::NotFound(format!("the tables of this version in {place}")));
    }
    let row = sqlx::query(LOCK).fetch_one(&mut *connection).await.map_err(failed)?;
    if row.try_get::<Option<i64>, _>("locked").map_err(failed)? != Some(1) {
        return Err(Error::Fatal(format!(
            "another server has been making the tables in {place} for a minute: see its log, then start this one again"
        )));
    }
    let made = make_tables(connection, place).await;
    sqlx::query(UNLOCK).execute(&mut *connection).await.map_err(failed)?;
    made
}

async fn make_tables(connection: &mut MySqlConnection, place: &str) -> Result<(), Error> {
    let failed = |error| fatal(place, error);
    run(connection, KV, place).await?;
    let found = version(connection).await.map_err(failed)?;
    let scripts = missing(VERSIONS, place, found)?;
    if scripts.is_empty() {
        return Ok(());
    }
    tracing::info!(place, from = found, to = VERSIONS.len(), "making the tables of the store");
    for script in scripts {
        run(connection, script, place).await?;
    }
    sqlx::query(SET_VERSION).bind(newest(VERSIONS)).execute(connection).await.map(|_| ()).map_err(failed)
}

/// The version of the tables that are there; 0 when there are none.
async fn present(connection: &mut MySqlConnection) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(HAS_KV).fetch_one(&mut *connection).await?;
    if row.try_get::<i64, _>("present")? == 0 {
        return Ok(0);
    }
    version(connection).await
}

async fn version(connection: &mut MySqlConnection) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(VERSION).fetch_optional(connection).await?;
    row.map_or(Ok(0), |row| row.try_get("version"))
}

async fn run(connection: &mut MySqlConnection, script: &'static str, place: &str) -> Result<(), Error> {
    let made = sqlx::raw_sql(script).execute(connection).await;
    match made {
        // one statement, which has run already
        Err(error) if number(&error) == Some(COLUMN_EXISTS) => Ok(()),
        made => made.map(|_| ()).map_err(|error| not_made(place, error)),
    }
}

fn not_made(place: &str, error: sqlx::Error) -> Error {
    match number(&error) {
        Some(1044 | 1142) => Error::Fatal(format!(
            "the tables of the store cannot be made in {place}: {error}; grant the server's user CREATE, ALTER and INDEX on the \
             database, or have somebody start the server once who may"
        )),
        _ => fatal(place, error),
    }
}
