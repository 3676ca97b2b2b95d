//! TCC: behaviour I.

use dtm_core::coordinator::Input;
use dtm_core::model::{
    Amendment, BranchId, BranchIndex, Op, Options, Outcome, Payload, Registration, Status, rows,
};

use super::fixtures::{Given, failure, seconds, tcc_branch, unknown};

#[test]
fn a_submitted_tcc_is_confirmed_from_the_last_branch_to_the_first() {
    // behaviour 75
    let mut case = Given::tcc(2).started();
    case.then_status(Status::Prepared).then_no_call().submit();
    case.then_status(Status::Submitted).then_is_durable(true).then_calls(&["confirm 02"]);
    assert_eq!((&*case.call().url, case.call().payload.as_bytes()), ("http://confirm/1", &b"body"[..]));
    case.succeeds("confirm 02").then_calls(&["confirm 01"]).then_rows("p p p s");
    case.succeeds("confirm 01").then_rows("p s p s").then_status(Status::Succeed);
}

#[test]
fn a_retry_interval_that_is_given_only_at_submit_counts_from_then_on() {
    // behaviour 14
    let options = Options { retry_interval: seconds(7), ..Options::default() };
    let mut case = Given::tcc(1).started();
    case.submit_with(Amendment { options, delay: None }).then_interval(7);
    case.answer("confirm 01", Outcome::Ongoing).then_wakes_at(7);
}

#[test]
fn it_stops_at_the_first_branch_that_is_not_confirmed() {
    // behaviour 75, 77
    for outcome in [Outcome::Ongoing, failure(), unknown()] {
        let mut case = Given::tcc(2).submitted();
        case.answer("confirm 02", outcome).then_no_call().then_status(Status::Submitted);
        case.wake().then_calls(&["confirm 02"]);
    }
}

#[test]
fn an_aborted_tcc_is_cancelled_in_the_same_order_until_all_are() {
    // behaviour 76, 77
    let mut case = Given::tcc(2).started();
    case.abort("changed my mind").then_status(Status::Aborting).then_calls(&["cancel 02"]);
    case.answer("cancel 02", Outcome::Ongoing).then_status(Status::Aborting).then_interval(10);
    case.wake().answer("cancel 02", failure()).then_status(Status::Aborting).then_interval(20);
    case.wake().succeeds("cancel 02").then_calls(&["cancel 01"]).succeeds("cancel 01");
    case.then_rows("s p s p").then_status(Status::Failed).then_reason("changed my mind");
}

#[test]
fn a_prepared_tcc_is_cancelled_when_its_time_out_strikes_and_not_before() {
    // behaviour 78
    let mut case = Given::tcc(1).started();
    case.then_wakes_at(35).clock(34).feed(&Input::Woke).then_no_call().then_nothing_is_written();
    case.then_wakes_at(35).wake().then_calls(&["cancel 01"]).then_reason("Timeout after 35 seconds");
    case.succeeds("cancel 01").then_status(Status::Failed);

    let mut case = Given::tcc(1).with(|options| options.timeout_to_fail = seconds(90)).started();
    case.then_wakes_at(90).wake().then_reason("Timeout after 90 seconds");
    let mut case = Given::tcc(1).with(|options| options.timeout_to_fail = seconds(0)).started();
    case.then_wakes_at(35);
}

#[test]
fn an_operator_does_not_bring_the_time_out_forward() {
    // behaviour 19, 78: due means looked at, and a prepared one is only looked at
    let mut case = Given::tcc(1).started();
    case.clock(5).feed(&Input::Rescheduled).then_no_call().then_status(Status::Prepared);
    case.then_next_try(5).then_wakes_at(35);
}

#[test]
fn a_time_out_never_strikes_after_the_decision() {
    // features 1.2: never applied after tcc, xa and msg are submitted
    let mut case = Given::tcc(1).submitted();
    case.answer("confirm 01", unknown()).clock(1_000).feed(&Input::Woke).then_calls(&["confirm 01"]);
    case.then_status(Status::Submitted);
}

#[test]
fn nested_branches_are_flat_and_in_the_order_of_their_registration() {
    // behaviour 79
    let nested = Registration::Tcc {
        branch_id: BranchId::parse("0101").unwrap(),
        confirm: "http://nested".into(),
        cancel: "".into(),
        data: Payload::empty(),
    };
    let given = Given::tcc(0).registered(vec![tcc_branch(0), nested, tcc_branch(1)]);
    let transaction = given.transaction();
    let ids: Vec<String> =
        rows(&transaction).iter().map(|row| format!("{} {}", row.op.as_str(), row.branch_id)).collect();
    assert_eq!(ids, ["cancel 01", "confirm 01", "cancel 0101", "confirm 0101", "cancel 02", "confirm 02"]);
    let mut case = given.submitted();
    case.then_calls(&["confirm 02"]).succeeds("confirm 02").then_calls(&["confirm 0101"]);
    case.succeeds("confirm 0101").then_calls(&["confirm 01"]);
}

#[test]
fn a_branch_without_url_is_done_without_a_call() {
    // behaviour 80
    let silent = Registration::Tcc {
        branch_id: BranchId::parse("02").unwrap(),
        confirm: "".into(),
        cancel: "".into(),
        data: Payload::empty(),
    };
    let given = Given::tcc(0).registered(vec![tcc_branch(0), silent.clone()]);
    given.submitted().then_calls(&["confirm 01"]).then_rows("p p p s");
    given.started().abort("").then_calls(&["cancel 01"]).then_rows("p p s p");

    let given = Given::tcc(0).registered(vec![silent]);
    given.submitted().then_status(Status::Succeed);
    given.started().abort("").then_status(Status::Failed);
}

#[test]
fn a_tcc_without_branches_ends_with_the_decision() {
    Given::tcc(0).submitted().then_status(Status::Succeed).then_is_durable(true);
    Given::tcc(0).started().abort("").then_status(Status::Failed).then_is_durable(true);
    Given::tcc(0).started().wake().then_status(Status::Failed);
}

#[test]
fn whoever_waits_hears_that_a_confirm_is_ongoing() {
    // behaviour 80
    let mut case = Given::tcc(1).submitted();
    case.then_nobody_is_answered().answer("confirm 01", Outcome::Ongoing).then_replies(Status::Submitted);
    assert_eq!(case.reply().unwrap().trouble, Some(Outcome::Ongoing));
}

#[test]
fn a_cancel_that_hangs_is_called_again_after_its_time_limit() {
    // behaviour 81
    let mut case = Given::tcc(1).started();
    case.abort("").answer("cancel 01", unknown()).wake().then_calls(&["cancel 01"]);
}

#[test]
fn submitting_again_confirms_nothing_twice_and_succeeds_nothing_early() {
    // behaviour 15, decision 1, defect B1
    let mut case = Given::tcc(2).submitted();
    case.submit().then_no_call().then_status(Status::Submitted).then_rows("p p p p");
    case.answer("confirm 02", unknown()).submit().then_calls(&["confirm 02"]);
    case.succeeds("confirm 02").submit().then_no_call().succeeds("confirm 01").then_status(Status::Succeed);
}

#[test]
fn aborting_again_goes_on_with_the_cancels() {
    // behaviour 17
    let mut case = Given::tcc(1).started();
    case.abort("first").abort("second").then_no_call().then_reason("first");
    case.answer("cancel 01", unknown()).abort("third").then_calls(&["cancel 01"]);
}

#[test]
fn a_decision_is_never_reversed() {
    // invariant I6
    let abort = Input::Aborted { reason: String::new() };
    let submit = Input::Submitted { amendment: None, end: None };
    assert!(Given::tcc(1).submitted().try_feed(&abort).is_err());
    assert!(Given::tcc(1).started().abort("").try_feed(&submit).is_err());
    let cancelled = Input::Branch { index: BranchIndex::new(0), outcome: Outcome::Success };
    assert!(Given::tcc(1).submitted().try_feed(&cancelled).is_err(), "nobody was asked to cancel");
}

#[test]
fn the_calls_after_a_decision_are_first_calls() {
    let case = Given::tcc(1).submitted();
    assert_eq!(case.call().op.as_str(), Op::Confirm.as_str());
    assert!(!case.call().retry);
    let mut case = Given::tcc(1).started();
    case.crash().submit();
    assert!(!case.call().retry, "also when another process has prepared it");
}
