//! One decision as one line of a table.

use dtm_core::coordinator::{Decision, Durability, Effect, Write};
use dtm_core::model::{BranchStatus, Timestamp, Transaction, rows};

use super::inputs::Fed;
use crate::fixtures::{Case, name_of};

/// An input, and what is decided; `None`: it is refused.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) input: String,
    pub(super) cells: Option<[String; 5]>,
}

pub(super) fn line(case: &Case, fed: &Fed) -> Line {
    let mut run = case.run.clone();
    let before = run.transaction().clone();
    let cells = run.step(&fed.input, &case.policy, fed.at).ok().map(|decision| {
        let status = decision.write.as_ref().and_then(|write| write.status);
        let records = decision.write.as_ref().map(|write| records(&before, write, fed.at));
        [
            status.map_or("=".to_owned(), |status| status.to_string()),
            records.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned()),
            effects(&decision),
            decision.wake.map_or("-".to_owned(), |wake| span(wake, fed.at)),
            durable(&decision).to_owned(),
        ]
    });
    Line { input: fed.name.clone(), cells }
}

fn records(before: &Transaction, write: &Write, now: Timestamp) -> String {
    let rows = rows(before);
    let mut parts = Vec::new();
    for (index, progress) in &write.rows {
        let row = &rows[index.at()];
        let name = format!("{} {}", row.op.as_str(), row.branch_id);
        if progress.status != row.progress.status {
            let end = if progress.status == BranchStatus::Succeed { "succeed" } else { "failed" };
            parts.push(format!("{name} {end}"));
        } else if progress.attempts != row.progress.attempts {
            parts.push(format!("{name} tries {}", progress.attempts));
        } else {
            parts.push(format!("{name} started"));
        }
    }
    if let Some(interval) = write.interval {
        parts.push(format!("interval {interval} s"));
    }
    if let Some(next_retry) = write.next_retry {
        parts.push(format!("next try {}", span(next_retry, now)));
    }
    if write.reason.is_some() {
        parts.push("reason".to_owned());
    }
    if write.result.is_some() {
        parts.push("result".to_owned());
    }
    parts.join(", ")
}

fn effects(decision: &Decision) -> String {
    let effects: Vec<String> = decision
        .effects
        .iter()
        .map(|effect| match effect {
            Effect::Call(call) => name_of(call),
            Effect::Probe(_) => "back-check".to_owned(),
            Effect::Resume(_) => "call-back".to_owned(),
            Effect::Alert(_) => "alert".to_owned(),
            Effect::Reply(_) => "reply".to_owned(),
        })
        .collect();
    if effects.is_empty() { "-".to_owned() } else { effects.join(", ") }
}

fn span(at: Timestamp, now: Timestamp) -> String {
    match at.since(now).as_secs() {
        0 => "now".to_owned(),
        seconds => format!("in {seconds} s"),
    }
}

const fn durable(decision: &Decision) -> &'static str {
    match &decision.write {
        None => "-",
        Some(write) => match write.durability {
            Durability::BeforeEffects => "first",
            Durability::Deferrable => "later",
        },
    }
}
