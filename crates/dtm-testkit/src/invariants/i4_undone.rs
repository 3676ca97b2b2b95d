//! I4: `failed` means no net effect: what was done was undone, once each.

use dtm_core::model::{BranchId, Mode, Op, Status, Transaction, rows};

use super::{Did, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    observed
        .stored()
        .filter(|stored| stored.status() == Status::Failed && !observed.may_be_force_stopped(stored.gid()))
        .flat_map(|stored| of_one(observed, stored))
        .collect()
}

fn of_one(observed: &Observed<'_>, stored: &Transaction) -> Vec<Violation> {
    let gid = stored.gid();
    let (back, forward) = match stored.mode() {
        Mode::Saga | Mode::Message => (Op::Compensate, Op::Action),
        Mode::Workflow => (Op::Rollback, Op::Action),
        Mode::Tcc => (Op::Cancel, Op::Confirm),
        Mode::Xa => (Op::Rollback, Op::Commit),
    };
    let mut violations = Vec::new();
    for branch_id in observed.branches(gid) {
        let done = observed.applied(gid, branch_id, Op::Action);
        let undone = observed.applied(gid, branch_id, back);
        let can_be_undone = match stored.mode() {
            Mode::Message | Mode::Workflow => true,
            Mode::Saga | Mode::Tcc | Mode::Xa => has_url(stored, branch_id, back),
        };
        if done != undone && can_be_undone {
            let what =
                format!("failed, but branch {branch_id} was done {done} times and undone {undone} times");
            violations.push(Violation::new("I4", gid, what));
        }
        if forward != Op::Action && observed.applied(gid, branch_id, forward) > 0 {
            let what = format!("failed, but {} of branch {branch_id} took effect", forward.as_str());
            violations.push(Violation::new("I4", gid, what));
        }
    }
    violations.extend(never_asked(observed, stored, back));
    violations
}

/// An empty URL asks for nothing, so there is nothing to undo.
fn has_url(stored: &Transaction, branch_id: &BranchId, op: Op) -> bool {
    rows(stored).iter().any(|row| row.branch_id == *branch_id && row.op == op && !row.url.is_empty())
}

/// A registered branch may hold something back until it is cancelled, so each one has to be asked.
fn never_asked(observed: &Observed<'_>, stored: &Transaction, back: Op) -> Vec<Violation> {
    let registered = match stored.mode() {
        Mode::Tcc | Mode::Xa => rows(stored),
        Mode::Saga | Mode::Message | Mode::Workflow => Vec::new(),
    };
    registered
        .into_iter()
        .filter(|row| row.op == back && !row.url.is_empty())
        .filter(|row| {
            !observed.effects(stored.gid()).any(|(branch_id, op, did)| {
                *branch_id == row.branch_id && op == back && matches!(did, Did::Applied | Did::Empty)
            })
        })
        .map(|row| {
            let what = format!("failed, but branch {} was never asked to {}", row.branch_id, back.as_str());
            Violation::new("I4", stored.gid(), what)
        })
        .collect()
}
