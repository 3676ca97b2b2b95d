//! The name of a barrier table, or of a collection of MongoDB.

use std::fmt;

/// Fewer than any database allows.
const LENGTH_MAX: usize = 63;

/// The name of a barrier table: `table` or `schema.table`. It becomes part of SQL text, so nothing but ASCII letters, digits
/// and `_` is a name, and it is always quoted; in PostgreSQL that makes capital letters count. In MongoDB it is
/// `database.collection`.
///
/// ```
/// use dtm_barrier::sql::TableName;
/// assert_eq!(TableName::new("shop.barrier")?.to_string(), "shop.barrier");
/// assert!(TableName::new("barrier; DROP TABLE account").is_err());
/// # Ok::<(), dtm_barrier::sql::BadTableName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableName {
    schema: Option<String>,
    table: String,
}

/// A text that is no name of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error(
    "'{0}' cannot be the name of a barrier table: use table or schema.table, each of ASCII letters, digits and _, not beginning \
     with a digit, at most {LENGTH_MAX} long"
)]
pub struct BadTableName(pub String);

impl TableName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`BadTableName`] for any other text.
    pub fn new(name: &str) -> Result<Self, BadTableName> {
        let (schema, table) = match name.split_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, name),
        };
        if !schema.is_none_or(is_identifier) || !is_identifier(table) {
            return Err(BadTableName(name.to_owned()));
        }
        Ok(Self { schema: schema.map(str::to_owned), table: table.to_owned() })
    }

    /// A name that is known to be one.
    pub(crate) fn known(schema: Option<&str>, table: &str) -> Self {
        Self { schema: schema.map(str::to_owned), table: table.to_owned() }
    }

    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    #[cfg(any(feature = "mysql", feature = "mongodb"))]
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// SQL text with this name, in these quotes, for `{table}`, and its schema for `{schema}`.
    #[cfg(feature = "_sql")]
    pub(crate) fn written_into(&self, text: &str, quote: char) -> String {
        let quoted = |name: &str| format!("{quote}{name}{quote}");
        let table = quoted(&self.table);
        match &self.schema {
            None => text.replace("{table}", &table),
            Some(schema) => {
                let schema = quoted(schema);
                text.replace("{table}", &format!("{schema}.{table}")).replace("{schema}", &schema)
            }
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.table)
    }
}

fn is_identifier(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty()
        && text.len() <= LENGTH_MAX
        && text.chars().all(is_part)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_is_refused() {
        let long = "a".repeat(LENGTH_MAX + 1);
        for name in [
            "",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "a b",
            "a;b",
            "a`b",
            "a\"b",
            "a'b",
            "a--",
            "1a",
            "barrier(gid) VALUES('x'); DROP TABLE account; --",
            "tablé",
            "a\0",
            "{table}",
            &long,
        ] {
            assert_eq!(TableName::new(name), Err(BadTableName(name.to_owned())));
        }
    }

    #[cfg(feature = "_sql")]
    #[test]
    fn a_name_is_written_in_quotes() {
        let name = TableName::new("shop.barrier_2").unwrap();
        assert_eq!(name.written_into("a {table} {schema}", '`'), "a `shop`.`barrier_2` `shop`");
        assert_eq!(TableName::new("b").unwrap().written_into("a {table}", '"'), "a \"b\"");
    }
}
