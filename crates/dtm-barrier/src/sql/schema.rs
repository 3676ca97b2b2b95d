//! Making the table.

use sqlx::{AssertSqlSafe, Pool};

use super::{SqlDatabase, TableName};
use crate::BarrierError;

/// Makes the usual barrier table, with the database (MySQL) or schema (PostgreSQL) around it, unless it is there. Many may do
/// so at the same time. The same statements are in the files of `src/schema`, for those who make tables by hand.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::PgPool::connect("postgres://localhost/shop").await?;
/// dtm_barrier::sql::create_table(&pool).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`BarrierError::Database`]: no connection, no right to make a table, ...
pub async fn create_table<DB: SqlDatabase>(pool: &Pool<DB>) -> Result<(), BarrierError> {
    create_table_named(pool, &DB::usual_table()).await
}

/// Makes a barrier table of that name, as [`create_table`] does. In PostgreSQL one schema has room for one barrier table,
/// because Go's SDK knows its constraint by a fixed name.
///
/// # Errors
/// As [`create_table`].
pub async fn create_table_named<DB: SqlDatabase>(
    pool: &Pool<DB>,
    table: &TableName,
) -> Result<(), BarrierError> {
    let failed = |error: sqlx::Error| BarrierError::Database {
        what: format!("make the barrier table {table}"),
        source: Box::new(error),
    };
    let mut transaction = pool.begin().await.map_err(failed)?;
    DB::create_table(&mut transaction, table).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// The statements of a file, for another table than the `usual` one, and without that for a schema when the name has none.
pub(super) fn script(file: &str, usual: &TableName, table: &TableName, quote: char) -> AssertSqlSafe<String> {
    let template = file.replace(&usual.written_into("{table}", quote), "{table}");
    let template = match usual.schema() {
        Some(schema) => template.replace(&format!("{quote}{schema}{quote}"), "{schema}"),
        None => template,
    };
    let statements: Vec<&str> = template
        .split_inclusive(';')
        .filter(|statement| table.schema().is_some() || !statement.contains("{schema}"))
        .collect();
    AssertSqlSafe(table.written_into(&statements.concat(), quote))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "-- For people.\nCREATE SCHEMA \"s\";\n\nCREATE TABLE \"s\".\"t\" (id bigint);\n";

    fn written(name: &str) -> String {
        let usual = TableName::new("s.t").unwrap();
        script(FILE, &usual, &TableName::new(name).unwrap(), '"').0
    }

    #[test]
    fn the_files_are_what_is_executed_with_another_name_in_place() {
        assert_eq!(written("s.t"), FILE);
        assert_eq!(written("a.b"), FILE.replace("\"s\"", "\"a\"").replace("\"t\"", "\"b\""));
        assert_eq!(written("b"), "\n\nCREATE TABLE \"b\" (id bigint);\n");
    }
}
