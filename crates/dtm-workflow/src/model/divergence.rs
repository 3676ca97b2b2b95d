//! A function that asks for other steps than are recorded.

/// A replay that does not fit its records: the function is not the one that began this workflow, or it does
/// not ask for the same steps each time. Nothing was done about it; the workflow stays as it is until a
/// function that fits goes on with it.
///
/// A record has the branch's id, its operation, its end and its data, and nothing else, so this is what can
/// be noticed: recorded branches that the function does not ask for, data that is not of the type asked for, a
/// step of XA where a plain one is asked for, a function that ends the other way than when phase two began,
/// and callbacks that are recorded and not registered. Two steps of the same type that changed places cannot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the function asks for other steps than are recorded: {problem}; recorded: {recorded}; asked for: {asked}. \
     Run the version of the function that began this workflow, and ask for the same steps in the same order each time"
)]
#[non_exhaustive]
pub struct Divergence {
    /// What does not fit.
    pub problem: String,
    /// The recorded steps, each with its branch and operation.
    pub recorded: String,
    /// The branches that the function has asked for, each with its name if it has one.
    pub asked: String,
}

impl Divergence {
    pub(super) fn new(problem: String, recorded: &[String], asked: &[String]) -> Self {
        Self { problem, recorded: listed(recorded), asked: listed(asked) }
    }
}

/// The last entries, because that is where two versions part.
fn listed(entries: &[String]) -> String {
    const SHOWN: usize = 12;
    match entries.len().checked_sub(SHOWN) {
        _ if entries.is_empty() => "nothing".to_owned(),
        None | Some(0) => entries.join(", "),
        Some(more) => format!("{more} more, {}", entries[more..].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_both_sides_and_stays_short() {
        let long: Vec<_> = (1..=1_000).map(|number| format!("{number:02} action")).collect();
        let message = Divergence::new("no".to_owned(), &long, &[]).to_string();
        assert!(message.contains("recorded: 988 more, 989 action"), "{message}");
        assert!(message.contains("1000 action; asked for: nothing."), "{message}");
        assert_eq!(listed(&long[..2]), "01 action, 02 action");
        assert_eq!(listed(&long[..12]), long[..12].join(", "));
    }
}
