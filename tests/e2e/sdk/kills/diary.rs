//! Where a process was when it died, and what it has said of its transactions.

use std::collections::{BTreeMap, HashMap};

/// What the one who began a transaction was told of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Done,
    Undone,
    /// It died before, or was told that nobody knows.
    None,
}

#[derive(Debug, Default)]
pub(super) struct Diary {
    /// Where each transaction is at this moment, in each place that it is in.
    at: HashMap<(String, String), String>,
    /// Every transaction that was begun.
    pub(super) words: BTreeMap<String, Word>,
    pub(super) kills: usize,
    /// Kills that hit a transaction.
    pub(super) hits: usize,
    /// How many transactions were there when their process was killed, by place and point.
    pub(super) points: BTreeMap<String, usize>,
    /// What else the process has said.
    pub(super) rest: String,
}

impl Diary {
    /// Whether the line says that a transaction is past its beginning.
    pub(super) fn write(&mut self, line: &str) -> bool {
        let words: Vec<_> = line.split(' ').collect();
        let ["@", gid, place, point] = words[..] else {
            self.rest.extend([line, "\n"]);
            return false;
        };
        if place == "client" {
            let word = match point {
                "done" => Word::Done,
                "undone" => Word::Undone,
                _ => Word::None,
            };
            self.words.insert(gid.to_owned(), word);
        }
        let key = (gid.to_owned(), place.to_owned());
        match point {
            "over" | "done" | "undone" | "unknown" => drop(self.at.remove(&key)),
            _ => drop(self.at.insert(key, point.to_owned())),
        }
        !matches!(point, "beginning" | "arriving")
    }

    /// Whether anything has ended well.
    pub(super) fn has_done(&self) -> bool {
        self.words.values().any(|word| *word == Word::Done)
    }

    /// The process was killed.
    pub(super) fn has_died(&mut self) {
        self.kills += 1;
        self.hits += usize::from(!self.at.is_empty());
        for ((_, place), point) in self.at.drain() {
            *self.points.entry(format!("{place} {point}")).or_default() += 1;
        }
    }

    /// Puts the diaries of several processes together.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.words.extend(other.words);
        self.kills += other.kills;
        self.hits += other.hits;
        for (point, count) in other.points {
            *self.points.entry(point).or_default() += count;
        }
        self
    }

    /// How many transactions were at one of these points.
    pub(super) fn at(&self, point: &str) -> usize {
        self.points.iter().filter(|(name, _)| name.starts_with(point)).map(|(_, count)| count).sum()
    }
}
