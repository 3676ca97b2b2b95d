//! What a database counts about itself.

/// Counters of a database at one moment; what it does not tell is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Commits (PostgreSQL, MySQL) or commands (Redis).
    pub(crate) writes: Option<u64>,
    /// Synced writes of its log.
    pub(crate) syncs: Option<u64>,
}

/// The difference of two counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) writes: Option<u64>,
    pub(crate) syncs: Option<u64>,
}

impl Counts {
    pub(crate) fn since(self, before: Self) -> Spent {
        let difference = |after: Option<u64>, before: Option<u64>| Some(after?.saturating_sub(before?));
        Spent { writes: difference(self.writes, before.writes), syncs: difference(self.syncs, before.syncs) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_before_has_no_difference() {
        let before = Counts { writes: Some(3), syncs: None };
        let after = Counts { writes: Some(10), syncs: Some(4) };
        let spent = after.since(before);
        assert_eq!((spent.writes, spent.syncs), (Some(7), None));
    }
}
