//! One transaction, and everything that is to be there afterwards.

use std::collections::BTreeMap;

use super::super::banks::{Bank, CENTS};
use super::stage::{Language, Order, Stage};

/// Two branches, one in each language: one account pays, the other one is paid.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) gid: String,
    pub(super) bank: Bank,
    pub(super) languages: [Language; 2],
    /// Whether the second branch says no.
    pub(super) is_refused: bool,
    number: i64,
}

/// The operations of a mode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ops {
    pub(super) mode: &'static str,
    /// All of them that go forward.
    pub(super) forward: &'static [&'static str],
    /// The first of them, and what undoes it.
    pub(super) back: &'static str,
}

impl Case {
    /// Both databases, both orders, both ends.
    pub(super) fn all(stage: &Stage, name: &str) -> Vec<Self> {
        let mut cases = Vec::new();
        for bank in [Bank::Mysql, Bank::Postgres] {
            for languages in [[Language::Go, Language::Rust], [Language::Rust, Language::Go]] {
                for is_refused in [false, true] {
                    let number = i64::try_from(cases.len()).unwrap();
                    let gid = format!("{}-{name}-{number}", stage.run);
                    cases.push(Self { gid, bank, languages, is_refused, number });
                }
            }
        }
        cases
    }

    /// Where each branch is, and what it is told.
    pub(super) fn branches(&self, stage: &Stage) -> [(String, Order); 2] {
        [0, 1].map(|position| {
            let last = position == 1;
            let order = Order {
                account: self.account(position),
                cents: if last { 30 } else { -30 },
                refuses: last && self.is_refused,
                loses: true,
            };
            (stage.url(self.languages[position], self.bank), order)
        })
    }

    fn account(&self, position: usize) -> i64 {
        self.number * 2 + i64::from(position == 1)
    }

    /// Waits for the end and looks at everything; then has each call repeated by both languages, also those that were never
    /// done before what undoes them, and looks again.
    pub(super) async fn ends(&self, stage: &Stage, ops: Ops) {
        let view = stage.server.end_of(&self.gid).await;
        let expected = if self.is_refused { "failed" } else { "succeed" };
        assert_eq!(view.status(), expected, "{self:?}: {view:?}");
        self.looks_right(stage, ops).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for (branch_id, op, _) in self.rows(ops) {
            let position = usize::from(branch_id == "02");
            let (_, order) = self.branches(stage)[position];
            let order = Order { refuses: false, loses: false, ..order };
            for language in [Language::Go, Language::Rust] {
                let query =
                    [("gid", &*self.gid), ("trans_type", ops.mode), ("branch_id", branch_id), ("op", op)];
                let call = http.post(stage.url(language, self.bank)).query(&query).json(&order);
                let answer = call.send().await.unwrap();
                assert_eq!(answer.status(), 200, "{language:?} {branch_id} {op} of {self:?}");
            }
        }
        self.looks_right(stage, ops).await;
    }

    /// The rows of the barrier table: branch, operation, and which operation has inserted it.
    fn rows(&self, ops: Ops) -> Vec<(&'static str, &'static str, &'static str)> {
        let mut rows = Vec::new();
        for branch_id in ["01", "02"] {
            if !self.is_refused {
                rows.extend(ops.forward.iter().map(|op| (branch_id, *op, *op)));
                continue;
            }
            // Who said no has kept nothing, and is undone all the same: a compensation of nothing.
            let by = if branch_id == "01" { ops.forward[0] } else { ops.back };
            rows.extend([(branch_id, ops.forward[0], by), (branch_id, ops.back, ops.back)]);
        }
        rows.sort_unstable();
        rows
    }

    async fn looks_right(&self, stage: &Stage, ops: Ops) {
        let banks = &stage.banks.banks;
        let rows = banks.barrier_rows(self.bank, &self.gid).await;
        let rows: Vec<_> = rows.iter().map(|(id, op, by)| (id.as_str(), op.as_str(), by.as_str())).collect();
        assert_eq!(rows, self.rows(ops), "{self:?}");

        // What has a row of its own has been done, once, by the language that was asked.
        let done = self.rows(ops).into_iter().filter(|(branch_id, op, by)| {
            let is_null = self.is_refused && *branch_id == "02";
            op == by && !is_null
        });
        let effects: BTreeMap<_, _> = done
            .map(|(branch_id, op, _)| {
                let language = self.languages[usize::from(branch_id == "02")];
                (format!("{} {branch_id} {op}", language.name()), 1)
            })
            .collect();
        let found = banks.effects().await;
        assert_eq!(found.get(&self.gid), Some(&effects), "{self:?}");

        for (position, cents) in [(0, -30), (1, 30)] {
            let cents = if self.is_refused { 0 } else { cents };
            let account = banks.account(self.bank, self.account(position)).await;
            assert_eq!(account, (CENTS + cents, 0), "account {position} of {self:?}");
        }
    }
}
