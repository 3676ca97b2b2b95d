//! I3: `succeed` means that everything took effect exactly once, and that nothing was undone.

use dtm_core::model::{Mode, Op, Status, Transaction, rows};

use super::{Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    observed
        .stored()
        .filter(|stored| stored.status() == Status::Succeed)
        .flat_map(|stored| of_one(observed, stored))
        .collect()
}

fn of_one(observed: &Observed<'_>, stored: &Transaction) -> Vec<Violation> {
    let gid = stored.gid();
    let (forward, back) = match stored.mode() {
        Mode::Saga | Mode::Message => (Op::Action, Op::Compensate),
        Mode::Workflow => (Op::Action, Op::Rollback),
        Mode::Tcc => (Op::Confirm, Op::Cancel),
        Mode::Xa => (Op::Commit, Op::Rollback),
    };
    let mut violations = Vec::new();
    // what a workflow has recorded was called by its client
    let is_called = |url: &str| stored.mode() == Mode::Workflow || !url.is_empty();
    for row in rows(stored).into_iter().filter(|row| is_called(row.url)) {
        let times = observed.applied(gid, &row.branch_id, row.op);
        let expected = if row.op == forward {
            1
        } else if row.op == back {
            0
        } else {
            continue;
        };
        if times != expected {
            let what = format!(
                "succeed, but {} of branch {} took effect {times} times",
                row.op.as_str(),
                row.branch_id
            );
            violations.push(Violation::new("I3", gid, what));
        }
    }
    violations
}
