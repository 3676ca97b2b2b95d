//! Applying a write.

use dtm_core::coordinator::{Illegal, Write, evolve};
use dtm_core::model::{BranchIndex, BranchProgress, BranchStatus, Mode, Status};

use super::fixtures::{Given, at};

fn row(status: BranchStatus) -> BranchProgress {
    BranchProgress { status, started: true, attempts: 0, ended_at: None }
}

#[test]
fn a_write_that_was_decided_on_another_status_changes_nothing() {
    // behaviour 101, defect R25
    let mut transaction = Given::saga(1).transaction();
    let before = transaction.clone();
    let write = Write { status: Some(Status::Failed), ..Write::unchanged(Status::Aborting, at(1)) };
    let expected = Illegal::StaleWrite { expected: Status::Aborting, found: Status::Submitted };
    assert_eq!(evolve(&mut transaction, &write), Err(expected));
    assert_eq!(transaction, before);
}

#[test]
fn nothing_is_written_after_the_end() {
    // invariant I2
    let mut transaction = Given::saga(1).transaction();
    transaction.state.status = Status::Succeed;
    let before = transaction.clone();
    for status in [None, Some(Status::Failed), Some(Status::Succeed)] {
        let write = Write { status, ..Write::unchanged(Status::Succeed, at(1)) };
        assert!(matches!(evolve(&mut transaction, &write), Err(Illegal::Transition { .. })));
    }
    assert_eq!(transaction, before);
}

#[test]
fn a_row_that_has_ended_does_not_end_otherwise() {
    let mut transaction = Given::saga(1).transaction();
    let index = BranchIndex::new(1);
    let mut write = Write::unchanged(Status::Submitted, at(1));
    write.rows.insert(index, row(BranchStatus::Succeed));
    evolve(&mut transaction, &write).unwrap();
    evolve(&mut transaction, &write).unwrap();
    write.rows.insert(index, row(BranchStatus::Failed));
    assert_eq!(evolve(&mut transaction, &write), Err(Illegal::RowEnded { index }));
}

#[test]
fn a_row_that_does_not_exist_is_refused() {
    let mut transaction = Given::saga(1).transaction();
    let index = BranchIndex::new(u32::MAX);
    let mut write = Write::unchanged(Status::Submitted, at(1));
    write.rows.insert(index, row(BranchStatus::Succeed));
    assert_eq!(evolve(&mut transaction, &write), Err(Illegal::NoSuchRow { index }));
    assert!(transaction.state.progress.is_empty(), "and no memory was taken for it");
}

#[test]
fn each_mode_goes_its_own_ways_only() {
    // features 1.1, the state machines
    let ways = |mode: Mode| match mode {
        Mode::Saga => vec![(Status::Submitted, Status::Succeed), (Status::Submitted, Status::Aborting)],
        Mode::Message => vec![(Status::Prepared, Status::Submitted), (Status::Submitted, Status::Succeed)],
        Mode::Tcc | Mode::Xa => vec![
            (Status::Prepared, Status::Submitted),
            (Status::Prepared, Status::Aborting),
            (Status::Submitted, Status::Succeed),
        ],
        Mode::Workflow => vec![],
    };
    for given in [Given::saga(1), Given::message(1), Given::tcc(1), Given::xa(1), Given::workflow()] {
        let mode = given.definition.plan.mode();
        for from in Status::ALL {
            for to in Status::ALL {
                let mut transaction = given.transaction();
                transaction.state.status = from;
                let write = Write { status: Some(to), ..Write::unchanged(from, at(1)) };
                let stop = to == Status::Failed && !from.is_final();
                // In one write when nothing is to be called in between.
                let straight = mode != Mode::Saga && (from, to) == (Status::Prepared, Status::Succeed);
                let expected = stop || straight || ways(mode).contains(&(from, to));
                assert_eq!(evolve(&mut transaction, &write).is_ok(), expected, "{mode}: {from} to {to}");
            }
        }
    }
}

#[test]
fn the_end_has_a_time() {
    // behaviour 104
    let mut transaction = Given::saga(1).transaction();
    let write = Write { status: Some(Status::Aborting), ..Write::unchanged(Status::Submitted, at(1)) };
    evolve(&mut transaction, &write).unwrap();
    assert_eq!(transaction.state.finished_at, None);
    let write = Write { status: Some(Status::Failed), ..Write::unchanged(Status::Aborting, at(2)) };
    evolve(&mut transaction, &write).unwrap();
    assert_eq!((transaction.state.finished_at, transaction.state.updated_at), (Some(at(2)), at(2)));
}
