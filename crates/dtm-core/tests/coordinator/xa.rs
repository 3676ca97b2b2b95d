//! XA: behaviour J.

use dtm_core::coordinator::Input;
use dtm_core::model::{Op, Outcome, Status, rows};

use super::fixtures::{Given, failure, unknown};

#[test]
fn a_submitted_xa_is_committed_from_the_first_branch_to_the_last() {
    // behaviour 82
    let mut case = Given::xa(2).submitted();
    case.then_calls(&["commit 01"]).succeeds("commit 01").then_calls(&["commit 02"]);
    case.succeeds("commit 02").then_rows("p s p s").then_status(Status::Succeed);
}

#[test]
fn phase_two_goes_to_the_registered_url_without_a_body() {
    // behaviour 50, 82
    let case = Given::xa(1).submitted();
    assert_eq!((&*case.call().url, case.call().payload.is_empty()), ("http://phase2/0", true));
    let mut case = Given::xa(1).started();
    case.abort("");
    assert_eq!((&*case.call().url, case.call().payload.is_empty()), ("http://phase2/0", true));
}

#[test]
fn the_rows_are_rollback_and_commit_of_each_branch() {
    // behaviour 82
    let transaction = Given::xa(1).transaction();
    let ops: Vec<Op> = rows(&transaction).iter().map(|row| row.op).collect();
    assert_eq!(ops, [Op::Rollback, Op::Commit]);
}

#[test]
fn an_aborted_xa_rolls_back_what_was_registered() {
    // behaviour 82, 83
    let mut case = Given::xa(1).started();
    case.abort("no").then_calls(&["rollback 01"]).succeeds("rollback 01");
    case.then_rows("s p").then_status(Status::Failed).then_reason("no");
    let mut case = Given::xa(0).started();
    case.abort("no").then_rows("").then_status(Status::Failed);
    Given::xa(0).submitted().then_status(Status::Succeed);
}

#[test]
fn a_commit_that_is_ongoing_is_tried_again() {
    // behaviour 84
    let mut case = Given::xa(1).submitted();
    case.answer("commit 01", Outcome::Ongoing).then_status(Status::Submitted).wake();
    case.succeeds("commit 01").then_status(Status::Succeed);
}

#[test]
fn a_prepared_xa_waits_for_its_time_out_and_cannot_be_submitted_afterwards() {
    // behaviour 78, 84
    let mut case = Given::xa(1).started();
    case.clock(34).feed(&Input::Woke).then_no_call().then_status(Status::Prepared);
    case.wake().then_status(Status::Aborting).then_calls(&["rollback 01"]);
    assert!(case.try_feed(&Input::Submitted { amendment: None, end: None }).is_err());
}

#[test]
fn a_rollback_is_tried_until_it_works() {
    // behaviour 85
    let mut case = Given::xa(1).started();
    case.abort("no").answer("rollback 01", unknown()).then_status(Status::Aborting).wake();
    case.answer("rollback 01", failure()).then_status(Status::Aborting).wake();
    case.succeeds("rollback 01").then_status(Status::Failed);
}

#[test]
fn submitting_again_commits_nothing_twice_and_succeeds_nothing_early() {
    // defect B1
    let mut case = Given::xa(2).submitted();
    case.submit().then_no_call().then_status(Status::Submitted).then_rows("p p p p");
}
