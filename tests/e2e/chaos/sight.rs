//! What a server has shown of a transaction, and what it may show afterwards.

use std::time::Instant;

use serde_json::Value;

use crate::harness::View;

/// One answer of `/query`.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    /// When it arrived.
    pub(super) at: Instant,
    pub(super) status: String,
    rows: String,
    /// Everything, when the transaction has ended.
    whole: Option<Value>,
}

impl Sight {
    pub(super) fn of(view: &View) -> Self {
        Self {
            at: Instant::now(),
            status: view.status().to_owned(),
            rows: view.rows(),
            whole: view.has_ended().then(|| view.0.clone()),
        }
    }

    /// Why `later` cannot be what is stored now, if this was stored before: what is durable only ever goes forward
    /// (invariants I2 and I11).
    pub(super) fn forbids(&self, later: &Self) -> Option<String> {
        let goes_on = match (self.status.as_str(), later.status.as_str()) {
            ("prepared", _) | ("submitted", "submitted" | "aborting" | "succeed" | "failed") => true,
            ("aborting", "aborting" | "failed") => true,
            (before, now) => before == now,
        };
        let mut rows = self.rows.split_whitespace().zip(later.rows.split_whitespace());
        let kept = self.rows.len() <= later.rows.len() && rows.all(|(row, now)| row == "p" || row == now);
        let same = self.whole.is_none() || self.whole == later.whole;
        (!goes_on || !kept || !same).then(|| format!("after {} came {}", self.text(), later.text()))
    }

    /// Whether `later` shows more.
    pub(super) fn is_behind(&self, later: &Self) -> bool {
        (&self.status, &self.rows) != (&later.status, &later.rows) && self.forbids(later).is_none()
    }

    pub(super) fn text(&self) -> String {
        let owner =
            self.whole.as_ref().map_or("", |whole| whole["transaction"]["owner"].as_str().unwrap_or(""));
        format!("{} [{}] {owner}", self.status, self.rows)
    }
}
