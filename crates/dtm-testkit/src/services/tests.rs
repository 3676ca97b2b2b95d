//! The services keep honest books.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{BranchId, Gid, Op, Outcome, Timestamp};
use dtm_store::Clock;

use super::{Books, Branches, Flaw, Script};
use crate::invariants::{Did, Event, Journal};

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

fn journal() -> Journal {
    Journal::new(Arc::new(Still))
}

fn names() -> (Gid, BranchId) {
    (Gid::parse("g").unwrap(), BranchId::parse("01").unwrap())
}

fn done(journal: &Journal) -> Vec<(Op, Did)> {
    let effect = |event| match event {
        Event::Effect { op, did, .. } => Some((op, did)),
        _ => None,
    };
    journal.entries().into_iter().filter_map(|entry| effect(entry.event)).collect()
}

#[test]
fn an_action_counts_once_and_its_compensation_undoes_it_once() {
    let journal = journal();
    let books = Books::new(journal.clone());
    let (gid, branch) = names();
    for op in [Op::Action, Op::Action, Op::Compensate, Op::Compensate] {
        assert_eq!(books.arrive(&gid, &branch, op), Outcome::Success);
    }
    let expected = [
        (Op::Action, Did::Applied),
        (Op::Action, Did::Repeated),
        (Op::Compensate, Did::Applied),
        (Op::Compensate, Did::Repeated),
    ];
    assert_eq!(done(&journal), expected);
}

#[test]
fn an_action_that_comes_after_its_compensation_changes_nothing() {
    let journal = journal();
    let books = Books::new(journal.clone());
    let (gid, branch) = names();
    books.arrive(&gid, &branch, Op::Compensate);
    assert_eq!(books.arrive(&gid, &branch, Op::Action), Outcome::Success);
    assert_eq!(done(&journal), [(Op::Compensate, Did::Empty), (Op::Action, Did::TooLate)]);
}

#[test]
fn a_back_check_that_comes_before_the_local_commit_rules_it_out() {
    let books = Books::new(journal());
    let (gid, _) = names();
    assert!(matches!(books.check_back(&gid), Outcome::Failure { .. }));
    assert!(!books.commit_local(&gid));
}

#[tokio::test(start_paused = true)]
async fn a_late_call_is_unknown_to_its_caller_and_takes_effect_afterwards() {
    let journal = journal();
    let branches = Branches::new(Arc::new(Books::new(journal.clone())));
    let (gid, branch) = names();
    let flaws = [Flaw::Late(Duration::from_secs(2))].into();
    branches.play(&gid, &branch, Op::Action, Script { flaws, refuses: false });
    let outcome = branches.ask(gid, branch, Op::Action, Duration::from_secs(3)).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "a time-out is never a failure");
    assert_eq!(done(&journal), []);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(done(&journal), [(Op::Action, Did::Applied)]);
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_refuses_does_so_after_its_flaws_and_has_no_effect() {
    let journal = journal();
    let branches = Branches::new(Arc::new(Books::new(journal.clone())));
    let (gid, branch) = names();
    branches.play(&gid, &branch, Op::Action, Script { flaws: [Flaw::Ongoing].into(), refuses: true });
    let ask = || branches.ask(gid.clone(), branch.clone(), Op::Action, Duration::from_secs(3));
    assert_eq!(ask().await, Outcome::Ongoing);
    assert!(matches!(ask().await, Outcome::Failure { .. }));
    assert_eq!(done(&journal), [(Op::Action, Did::Refused)]);
}
