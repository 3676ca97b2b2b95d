//! Then ...

use dtm_core::coordinator::{Alert, BranchCall, Effect, PassEnd};
use dtm_core::model::{BranchStatus, Status, Timestamp, Transaction, rows};

use super::fixtures::{Case, at, calls, name_of};

impl Case {
    /// These calls are made by the last decision, in this order.
    #[track_caller]
    pub(crate) fn then_calls(&mut self, expected: &[&str]) -> &mut Self {
        let found: Vec<String> = calls(&self.decision).map(name_of).collect();
        assert_eq!(found, expected, "calls of the last decision");
        self
    }

    #[track_caller]
    pub(crate) fn then_no_call(&mut self) -> &mut Self {
        self.then_calls(&[])
    }

    /// The only call of the last decision.
    #[track_caller]
    pub(crate) fn call(&self) -> &BranchCall {
        let mut calls = calls(&self.decision);
        let first = calls.next().expect("a call");
        assert_eq!(calls.next(), None, "one call only");
        first
    }

    #[track_caller]
    pub(crate) fn then_status(&mut self, expected: Status) -> &mut Self {
        assert_eq!(self.transaction().status(), expected);
        self
    }

    /// The rows in storage order: `p`repared, `s`ucceed, `f`ailed.
    #[track_caller]
    pub(crate) fn then_rows(&mut self, expected: &str) -> &mut Self {
        assert_eq!(letters(self.transaction()), expected);
        self
    }

    #[track_caller]
    pub(crate) fn then_reason(&mut self, expected: &str) -> &mut Self {
        assert_eq!(self.transaction().state.reason.as_deref(), Some(expected));
        self
    }

    /// `next_cron_interval` in seconds.
    #[track_caller]
    pub(crate) fn then_interval(&mut self, expected: u32) -> &mut Self {
        assert_eq!(self.transaction().state.interval.get(), expected, "interval in seconds");
        self
    }

    /// `next_cron_time` in seconds after the creation.
    #[track_caller]
    pub(crate) fn then_next_try(&mut self, expected: u32) -> &mut Self {
        assert_eq!(since_creation(self.transaction().state.next_retry), expected, "next try in seconds");
        self
    }

    /// The wake-up of the last decision in seconds after the creation.
    #[track_caller]
    pub(crate) fn then_wakes_at(&mut self, expected: u32) -> &mut Self {
        assert_eq!(self.decision.wake.map(since_creation), Some(expected), "wake-up in seconds");
        self
    }

    #[track_caller]
    pub(crate) fn then_never_wakes(&mut self) -> &mut Self {
        assert_eq!(self.decision.wake, None);
        self
    }

    #[track_caller]
    pub(crate) fn then_nothing_is_written(&mut self) -> &mut Self {
        assert_eq!(self.decision.write, None);
        self
    }

    /// Whether the last decision is durable before its effects.
    #[track_caller]
    pub(crate) fn then_is_durable(&mut self, expected: bool) -> &mut Self {
        assert_eq!(&self.durable == self.transaction(), expected, "the store has the last state");
        self
    }

    pub(crate) fn alerts(&self) -> Vec<&Alert> {
        self.decision
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Alert(alert) => Some(alert),
                Effect::Call(_) | Effect::Probe(_) | Effect::Resume(_) | Effect::Reply(_) => None,
            })
            .collect()
    }

    /// What the last decision tells whoever waits for the result.
    pub(crate) fn reply(&self) -> Option<&PassEnd> {
        self.decision.effects.iter().find_map(|effect| match effect {
            Effect::Reply(end) => Some(end),
            Effect::Call(_) | Effect::Probe(_) | Effect::Resume(_) | Effect::Alert(_) => None,
        })
    }

    #[track_caller]
    pub(crate) fn then_replies(&mut self, status: Status) -> &mut Self {
        assert_eq!(self.reply().map(|end| end.status), Some(status));
        self
    }

    #[track_caller]
    pub(crate) fn then_nobody_is_answered(&mut self) -> &mut Self {
        assert_eq!(self.reply(), None);
        self
    }
}

pub(crate) fn letters(transaction: &Transaction) -> String {
    let letters: Vec<&str> = rows(transaction)
        .iter()
        .map(|row| match row.progress.status {
            BranchStatus::Prepared => "p",
            BranchStatus::Succeed => "s",
            BranchStatus::Failed => "f",
        })
        .collect();
    letters.join(" ")
}

fn since_creation(time: Timestamp) -> u32 {
    u32::try_from(time.since(at(0)).as_secs()).expect("a few seconds")
}
