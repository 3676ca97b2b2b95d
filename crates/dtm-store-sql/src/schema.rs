//! Which version the tables have, and what they lack. Each dialect has a script for each version.

use dtm_store::Error;

/// The scripts that bring tables of version `found` up to date, in this order; none when they are. 0 means that
/// there are no tables.
///
/// # Errors
/// [`Error::Fatal`] for tables of a newer server: what this one writes would be damage to it. And for a version that
/// no server has written.
pub(crate) fn missing(
    scripts: &'static [&'static str],
    place: &str,
    found: i64,
) -> Result<&'static [&'static str], Error> {
    let known = scripts.len();
    match usize::try_from(found).ok().and_then(|found| scripts.get(found..)) {
        Some(missing) => Ok(missing),
        None if found < 0 => Err(Error::Fatal(format!(
            "the tables in {place} say that they have version {found}, which no server writes: restore the row \
             ('schema', 'version') of dtm_kv from a backup"
        ))),
        None => Err(Error::Fatal(format!(
            "the tables in {place} have version {found}, this server knows up to {known}: start a server that is as \
             new as the one that made them"
        ))),
    }
}

/// The version that tables have once all scripts have run.
pub(crate) fn newest(scripts: &[&str]) -> i64 {
    i64::try_from(scripts.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_depends_on_the_version_and_what_no_server_of_ours_wrote_is_refused() {
        let scripts: &[&str] = &["one", "two"];
        assert_eq!(missing(scripts, "db", 0).unwrap(), ["one", "two"]);
        assert_eq!(missing(scripts, "db", 1).unwrap(), ["two"]);
        assert!(missing(scripts, "db", newest(scripts)).unwrap().is_empty());
        for (found, words) in [(3, "knows up to 2"), (-1, "no server writes"), (i64::MIN, "no server writes")]
        {
            let error = missing(scripts, "db", found).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("db"), "{error}");
        }
    }
}
