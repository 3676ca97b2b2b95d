//! What was taken, and what was not.

use std::collections::BTreeMap;
use std::fmt;

/// How many of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// They are here now.
    pub taken: u64,
    /// An earlier run took them.
    pub already_there: u64,
    /// They were not taken; each was reported with its reason.
    pub refused: u64,
    /// They had ended, and were left where they are.
    pub finished: u64,
}

/// What an import has done, by mode and status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Transactions; the key is mode and status as DTM calls them.
    pub transactions: BTreeMap<(String, String), Counts>,
    /// Topics.
    pub topics: Counts,
    /// Entries of the table `kv` that are no topics. This server has no use for them.
    pub other_entries: u64,
}

impl Report {
    pub(crate) fn of(&mut self, mode: &str, status: &str) -> &mut Counts {
        let name = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
        self.transactions.entry((name(mode), name(status))).or_default()
    }

    /// All transactions together.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.transactions.values().fold(Counts::default(), |sum, counts| Counts {
            taken: sum.taken + counts.taken,
            already_there: sum.already_there + counts.already_there,
            refused: sum.refused + counts.refused,
            finished: sum.finished + counts.finished,
        })
    }

    /// Whether everything that is unfinished is here now.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.total().refused == 0 && self.topics.refused == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |kind: &str, status: &str, counts: &Counts| {
            let Counts { taken, already_there, refused, finished } = counts;
            writeln!(
                f,
                "{kind:<10} {status:<10} {taken:>10} {already_there:>14} {refused:>10} {finished:>10}"
            )
        };
        for ((mode, status), counts) in &self.transactions {
            line(mode, status, counts)?;
        }
        line("all", "", &self.total())?;
        line("topics", "", &self.topics)?;
        if self.other_entries > 0 {
            writeln!(f, "{} entries of kv are no topics and were left", self.other_entries)?;
        }
        Ok(())
    }
}

impl Report {
    /// What stands above the columns.
    #[must_use]
    pub fn heading() -> String {
        format!(
            "{:<10} {:<10} {:>10} {:>14} {:>10} {:>10}\n",
            "mode", "status", "taken", "already there", "refused", "finished"
        )
    }
}
