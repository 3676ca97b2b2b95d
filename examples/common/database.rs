//! A business database.

use std::path::Path;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::Result;

/// Opens a SQLite file with the barrier table, and makes `tables` unless the file was there.
///
/// # Errors
/// What the database says.
pub async fn database(file: &Path, tables: &'static str) -> Result<SqlitePool> {
    let is_new = !file.exists();
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
    dtm_barrier::sql::create_table(&pool).await?;
    if is_new {
        sqlx::raw_sql(tables).execute(&pool).await?;
    }
    Ok(pool)
}
