//! What `/query` shows, in short.

use std::fmt;

use serde_json::Value;

/// The answer of `/query`.
pub(crate) struct View(pub(crate) Value);

impl View {
    pub(crate) fn of(body: &str) -> Self {
        Self(serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body}")))
    }

    /// Whether there is such a transaction.
    pub(crate) fn exists(&self) -> bool {
        !self.0["transaction"].is_null()
    }

    /// A field of the transaction as text; empty when it is absent.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.0["transaction"][name].as_str().unwrap_or_default()
    }

    /// A field of the transaction as a number.
    pub(crate) fn number(&self, name: &str) -> i64 {
        let value = &self.0["transaction"][name];
        value.as_i64().unwrap_or_else(|| panic!("{name} is {value}"))
    }

    pub(crate) fn status(&self) -> &str {
        self.field("status")
    }

    pub(crate) fn reason(&self) -> &str {
        self.field("rollback_reason")
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.status(), "succeed" | "failed")
    }

    pub(crate) fn branches(&self) -> &[Value] {
        self.0["branches"].as_array().expect("branches is a list")
    }

    /// The statuses of the rows in storage order: p prepared, s succeed, f failed.
    pub(crate) fn rows(&self) -> String {
        let letter = |row: &Value| row["status"].as_str().and_then(|status| status.chars().next());
        let letters: Vec<_> = self.branches().iter().filter_map(letter).map(String::from).collect();
        letters.join(" ")
    }

    /// The ids and operations of the rows in storage order.
    pub(crate) fn row_names(&self) -> Vec<String> {
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        self.branches().iter().map(|row| format!("{} {}", text(row, "branch_id"), text(row, "op"))).collect()
    }

    /// A time of the transaction in milliseconds.
    pub(crate) fn millis(&self, name: &str) -> i64 {
        let text = self.field(name);
        millis(text).unwrap_or_else(|| panic!("{name} is '{text}', not 2006-01-02T15:04:05.000Z"))
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(&self.0).expect("a value is JSON"))
    }
}

/// Milliseconds between 2000-01-01 and an RFC 3339 time in UTC.
fn millis(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, milli) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (2000..year).map(|year| 365 + i64::from(leap(year))).sum();
    let months: i64 = lengths.iter().take(usize::try_from(month - 1).ok()?).sum();
    Some((((years + months + day - 1) * 24 + hour) * 60 + minute) * 60_000 + second * 1_000 + milli)
}
