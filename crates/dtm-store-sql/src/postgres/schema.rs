//! The tables: made and upgraded by whichever server comes first, under a lock, with a version in a row.

use dtm_store::Error;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::connect::fatal;
use crate::schema::{missing, newest};

/// What each version adds to the one before, from version 1 on. What was released is never changed here.
const VERSIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The table with the version; it has never changed.
const KV: &str = include_str!("schema/kv.sql");

const HAS_KV: &str = "SELECT to_regclass('dtm_kv') IS NOT NULL AS present";

const VERSION: &str = "SELECT version FROM dtm_kv WHERE category = 'schema' AND name = 'version'";

/// Held until the transaction ends. The number is a name that nobody else uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7234812905511)";

const SET_VERSION: &str = "INSERT INTO dtm_kv (category, name, version, value) VALUES ('schema', 'version', $1, '{}') \
    ON CONFLICT (category, name) DO UPDATE SET version = excluded.version";

/// Makes the tables what this server needs, if it is to `make` any. Tables of a newer server are refused: what it writes would be damage
/// to the other.
pub(super) async fn bring_up_to_date(
    connection: &mut PgConnection,
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
    let mut transaction = connection.begin().await.map_err(failed)?;
    sqlx::query(LOCK).execute(&mut *transaction).await.map_err(failed)?;
    // made before it is looked at: whoever has waited for the lock may still believe that it is not there
    run(&mut transaction, KV, place).await?;
    let found = version(&mut transaction).await.map_err(failed)?;
    let scripts = missing(VERSIONS, place, found)?;
    if scripts.is_empty() {
        return transaction.rollback().await.map_err(failed);
    }
    tracing::info!(place, from = found, to = VERSIONS.len(), "making the tables of the store");
    for script in scripts {
        run(&mut transaction, script, place).await?;
    }
    sqlx::query(SET_VERSION).bind(newest(VERSIONS)).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// The version of the tables that are there; 0 when there are none.
async fn present(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let has_kv: bool = sqlx::query(HAS_KV).fetch_one(&mut *connection).await?.try_get("present")?;
    if !has_kv {
        return Ok(0);
    }
    version(connection).await
}

async fn version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(VERSION).fetch_optional(&mut *connection).await?;
    row.map_or(Ok(0), |row| row.try_get("version"))
}

async fn run(connection: &mut PgConnection, script: &'static str, place: &str) -> Result<(), Error> {
    sqlx::raw_sql(script).execute(connection).await.map(|_| ()).map_err(|error| making(place, error))
}

fn making(place: &str, error: sqlx::Error) -> Error {
    let lacks_right =
        matches!(&error, sqlx::Error::Database(error) if error.code().as_deref() == Some("42501"));
    if lacks_right {
        return Error::Fatal(format!(
            "the tables of the store cannot be made in {place}: {error}; grant the server's user CREATE on the schema, or \
             have somebody start the server once who may"
        ));
    }
    fatal(place, error)
}
