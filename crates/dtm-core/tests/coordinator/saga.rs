//! A saga whose steps run one after the other: behaviour F.

use dtm_core::coordinator::Input;
use dtm_core::model::{BranchIndex, Op, Outcome, Status, rows};

use super::fixtures::{Given, failure, not_sent, unknown};

#[test]
fn the_rows_are_compensation_and_action_of_each_step_in_order() {
    // behaviour 56
    let transaction = Given::saga(2).transaction();
    let found: Vec<(String, Op, &str)> =
        rows(&transaction).iter().map(|row| (row.branch_id.to_string(), row.op, row.url)).collect();
    let expected = [
        ("01", Op::Compensate, "http://undo/1"),
        ("01", Op::Action, "http://do/1"),
        ("02", Op::Compensate, "http://undo/2"),
        ("02", Op::Action, "http://do/2"),
    ];
    assert_eq!(found, expected.map(|(id, op, url)| (id.to_owned(), op, url)));
}

#[test]
fn a_saga_whose_actions_succeed_succeeds() {
    // behaviour 57, 104
    let mut case = Given::saga(2).started();
    case.then_calls(&["action 01"]).clock(1).succeeds("action 01").then_rows("p s p p");
    case.then_calls(&["action 02"]).clock(2).succeeds("action 02").then_rows("p s p s");
    case.then_status(Status::Succeed).then_no_call().then_never_wakes().then_is_durable(true);
    let state = &case.transaction().state;
    assert_eq!((state.reason.as_deref(), state.finished_at), (None, Some(super::fixtures::at(2))));
}

#[test]
fn a_saga_without_steps_succeeds_at_once() {
    Given::saga(0).started().then_status(Status::Succeed);
}

#[test]
fn a_failing_action_is_followed_by_the_compensations_in_reverse_its_own_first() {
    // behaviour 58, defects R5 and R21
    let mut case = Given::saga(3).started();
    case.succeeds("action 01").answer("action 02", failure());
    case.then_status(Status::Aborting).then_calls(&["compensate 02"]).then_is_durable(true);
    case.succeeds("compensate 02").then_calls(&["compensate 01"]);
    case.succeeds("compensate 01").then_rows("s s s f p p").then_status(Status::Failed);
    case.then_reason("url:http://do/2 return failed: no money FAILURE").then_never_wakes();
}

#[test]
fn the_reason_ends_with_one_failure_and_never_grows_beyond_the_limit() {
    // behaviour 58, defect S9
    let mut case = Given::saga(1).started();
    case.answer("action 01", Outcome::Failure { reason: "no money FAILURE\n".to_owned() });
    case.then_reason("url:http://do/1 return failed: no money FAILURE");

    let mut case = Given::saga(1).under(|policy| policy.reason_bytes_max = 30).started();
    case.answer("action 01", Outcome::Failure { reason: "x".repeat(10_000) });
    case.then_reason("url:http://do/1 return failed:").then_calls(&["compensate 01"]);
}

#[test]
fn an_ongoing_action_keeps_the_interval_and_the_rows() {
    // behaviour 59
    let mut case = Given::saga(2).started();
    case.clock(1).answer("action 01", Outcome::Ongoing).then_no_call().then_rows("p p p p");
    case.then_status(Status::Submitted).then_interval(10).then_next_try(11).then_wakes_at(11);
    case.then_is_durable(true).wake().then_calls(&["action 01"]);
}

#[test]
fn an_action_that_ends_otherwise_doubles_the_interval() {
    // behaviour 60, defect R5
    let mut case = Given::saga(2).started();
    case.clock(1).answer("action 01", unknown()).then_no_call().then_rows("p p p p");
    case.then_status(Status::Submitted).then_interval(20).then_next_try(21).then_wakes_at(21);
    case.wake().then_calls(&["action 01"]).succeeds("action 01").then_calls(&["action 02"]);
}

#[test]
fn an_action_that_was_not_sent_is_tried_again_later() {
    let mut case = Given::saga(1).started();
    case.answer("action 01", not_sent()).then_no_call().then_wakes_at(20);
    case.wake().then_calls(&["action 01"]);
}

#[test]
fn a_compensation_is_tried_until_it_succeeds_whatever_it_answers() {
    // behaviour 61
    let mut case = Given::saga(1).started();
    case.answer("action 01", failure()).then_calls(&["compensate 01"]);
    case.answer("compensate 01", Outcome::Ongoing).then_status(Status::Aborting).then_interval(10);
    case.wake().answer("compensate 01", unknown()).then_status(Status::Aborting).then_interval(20);
    case.wake().answer("compensate 01", failure()).then_status(Status::Aborting).then_interval(40);
    case.wake().succeeds("compensate 01").then_status(Status::Failed).then_rows("s f");
}

#[test]
fn the_next_pass_calls_only_what_is_not_done() {
    // behaviour 62
    let mut case = Given::saga(3).started();
    case.succeeds("action 01").answer("action 02", unknown()).wake().then_calls(&["action 02"]);
    case.answer("action 02", failure()).succeeds("compensate 02").answer("compensate 01", unknown());
    case.wake().then_calls(&["compensate 01"]);
}

#[test]
fn an_action_whose_outcome_is_unknown_is_compensated() {
    // behaviour 63, defect R4
    let mut case =
        Given::saga(2).with(|options| options.timeout_to_fail = super::fixtures::seconds(60)).started();
    case.answer("action 01", Outcome::Ongoing).clock(60).feed(&Input::Woke);
    case.then_status(Status::Aborting).then_calls(&["compensate 01"]);
    case.succeeds("compensate 01").then_status(Status::Failed).then_rows("s p p p");
}

#[test]
fn a_step_without_action_url_succeeds_without_a_call() {
    // behaviour 54
    let mut case = Given::saga(3).stepped(|steps| steps[1].action = "".into()).started();
    case.succeeds("action 01").then_calls(&["action 03"]).then_rows("p s p s p p");
}

#[test]
fn a_step_without_compensation_url_is_undone_without_a_call() {
    // behaviour 54
    let mut case = Given::saga(3).stepped(|steps| steps[1].compensate = "".into()).started();
    case.succeeds("action 01").succeeds("action 02").answer("action 03", failure());
    case.succeeds("compensate 03").then_calls(&["compensate 01"]).then_rows("p s s s s f");
}

#[test]
fn a_saga_of_steps_that_have_nothing_to_call_ends_in_one_decision() {
    let nothing = |step: &mut dtm_core::model::Step| step.action = "".into();
    Given::saga(3).stepped(|steps| steps.iter_mut().for_each(nothing)).started().then_status(Status::Succeed);

    let mut case =
        Given::saga(2).stepped(|steps| steps.iter_mut().for_each(|s| s.compensate = "".into())).started();
    case.succeeds("action 01").answer("action 02", failure()).then_status(Status::Failed);
}

#[test]
fn a_second_answer_to_a_call_changes_nothing() {
    let mut case = Given::saga(2).started();
    let answer = |outcome| Input::Branch { index: BranchIndex::new(1), outcome };
    case.succeeds("action 01").feed(&answer(failure())).then_status(Status::Submitted).then_no_call();
    case.feed(&answer(Outcome::Success)).then_nothing_is_written().then_no_call();
}

#[test]
fn an_answer_to_a_compensation_that_nobody_asked_for_is_refused() {
    let mut case = Given::saga(1).started();
    let answer = Input::Branch { index: BranchIndex::new(0), outcome: Outcome::Success };
    assert!(case.try_feed(&answer).is_err());
    case.answer("action 01", failure()).then_calls(&["compensate 01"]);
}

#[test]
fn a_refusal_that_was_stored_without_its_consequence_is_rolled_back() {
    // DTM stores "branch failed" before "transaction aborting", and may die in between.
    let mut transaction = Given::saga(2).transaction();
    let succeed = dtm_core::model::BranchProgress {
        status: dtm_core::model::BranchStatus::Succeed,
        started: true,
        attempts: 0,
        ended_at: None,
    };
    let failed = dtm_core::model::BranchProgress { status: dtm_core::model::BranchStatus::Failed, ..succeed };
    let untouched = dtm_core::model::BranchProgress::UNTOUCHED;
    transaction.state.progress = vec![untouched, succeed, untouched, failed];
    transaction.state.starts_recorded = true;
    let mut case = Given::saga(2).started();
    case.durable = transaction;
    case.crash()
        .then_status(Status::Aborting)
        .then_calls(&["compensate 02"])
        .then_reason("fail message lost");
}

#[test]
fn a_forced_stop_ends_it_without_undoing_anything_and_late_answers_change_nothing() {
    // behaviour 18, defect B23
    let mut case = Given::saga(2).started();
    case.succeeds("action 01").feed(&Input::ForceStopped).then_status(Status::Failed).then_no_call();
    case.then_is_durable(true).then_replies(Status::Failed);
    case.succeeds("action 02").then_no_call().then_nothing_is_written().then_status(Status::Failed);
    assert!(case.try_feed(&Input::ForceStopped).is_err(), "behaviour 18: a second one is refused");
    case.feed(&Input::Rescheduled).then_nothing_is_written(); // behaviour 19
}

#[test]
fn a_saga_is_not_aborted_by_a_client() {
    // behaviour 17
    let mut case = Given::saga(1).started();
    assert!(case.try_feed(&Input::Aborted { reason: String::new() }).is_err());
}

#[test]
fn a_request_that_is_refused_starts_no_pass() {
    let mut case = Given::saga(1).started();
    case.answer("action 01", unknown());
    let before = case.run.clone();
    assert!(case.try_feed(&Input::Aborted { reason: String::new() }).is_err());
    assert_eq!(case.run, before, "a refused input changes nothing");
}
