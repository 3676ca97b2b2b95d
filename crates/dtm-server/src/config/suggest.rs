//! "Did you mean".

use super::settings;

/// The path of the setting that is most like `path`, if one is much like it.
pub(super) fn nearest(path: &str) -> Option<&'static str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let given = path.to_ascii_lowercase();
    settings::all()
        .map(|setting| {
            let whole = distance(&given, &setting.path.to_ascii_lowercase());
            // The right name in the wrong section is a near miss, too.
            let moved = if last(path) == last(setting.path) { 1 } else { usize::MAX };
            (whole.min(moved), setting.path)
        })
        .min()
        .filter(|(distance, _)| *distance <= 1 + path.len() / 5)
        .map(|(_, path)| path)
}

/// How many characters have to be inserted, removed or replaced (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, character) in left.chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] =
                (diagonal + usize::from(character != *other)).min(above + 1).min(row[column] + 1);
            diagonal = above;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_inserted_removed_and_replaced_characters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn near_misses_are_found_and_strangers_are_not() {
        assert_eq!(nearest("store.driver"), Some("Store.Driver"));
        assert_eq!(nearest("RetryIntervall"), Some("RetryInterval"));
        assert_eq!(nearest("HttpProt"), Some("HttpPort"));
        assert_eq!(nearest("Log.LogLevel"), Some("LogLevel"));
        assert_eq!(nearest("Completely.Different"), None);
    }
}
