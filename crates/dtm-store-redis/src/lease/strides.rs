//! The beginnings of indexes of due times, put together.

use std::collections::BTreeSet;

use dtm_store::Damaged;

/// An entry of an index of due times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) due: u64,
    pub(super) gid: String,
    pub(super) holder: String,
}

/// The beginnings of several indexes.
pub(super) struct Strides {
    stride: usize,
    entries: Vec<Entry>,
    /// Behind this due time some index has more that nobody has read.
    complete_to: u64,
}

impl Strides {
    pub(super) const fn new(stride: usize) -> Self {
        Self { stride, entries: Vec::new(), complete_to: u64::MAX }
    }

    /// One more index; those of its entries whose due time is none.
    pub(super) fn add(&mut self, holder: &str, index: Vec<(String, String)>) -> Vec<Damaged> {
        let full = index.len() >= self.stride;
        let (mut last, mut damaged) = (0, Vec::new());
        for (gid, due) in index {
            let Ok(due) = due.parse() else {
                let detail = format!("it is listed as due at '{due}', which is no time");
                damaged.push(Damaged { gid, detail });
                continue;
            };
            last = due;
            self.entries.push(Entry { due, gid, holder: holder.to_owned() });
        }
        if full {
            self.complete_to = self.complete_to.min(last);
        }
        damaged
    }

    /// In the order in which they became due, as far as all indexes are known; without what cannot be read.
    pub(super) fn longest_due(mut self, damaged: &BTreeSet<String>) -> Vec<Entry> {
        self.entries.retain(|entry| entry.due <= self.complete_to && !damaged.contains(&entry.gid));
        self.entries.sort_unstable();
        self.entries
    }
}
