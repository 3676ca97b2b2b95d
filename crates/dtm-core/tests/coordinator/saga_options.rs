//! What the options of a saga do: behaviour H.

use dtm_core::coordinator::Input;
use dtm_core::model::{Outcome, Seconds, Status};

use super::fixtures::{Given, failure, not_sent, seconds, unknown};

#[test]
fn whoever_waits_is_answered_when_the_pass_ends() {
    // behaviour 68, decision 5
    let mut case = Given::saga(2).with(|options| options.wait_result = true).started();
    case.then_nobody_is_answered().succeeds("action 01").then_nobody_is_answered();
    case.succeeds("action 02").then_replies(Status::Succeed);
    assert_eq!(case.reply().unwrap().trouble, None);
}

#[test]
fn whoever_waits_hears_that_it_was_rolled_back_and_why() {
    // behaviour 68
    let mut case = Given::saga(1).started();
    case.answer("action 01", failure()).then_nobody_is_answered();
    case.succeeds("compensate 01").then_replies(Status::Failed);
    let reply = case.reply().unwrap();
    assert_eq!(reply.reason.as_deref(), Some("url:http://do/1 return failed: no money FAILURE"));
    assert_eq!(reply.trouble, None, "nothing keeps it from ending");
}

#[test]
fn what_was_in_the_way_before_the_end_is_not_told() {
    let mut case = Given::concurrent_saga(2, &[]).started();
    case.answer("action 01", unknown()).answer("action 02", failure());
    case.succeeds("compensate 01").succeeds("compensate 02").then_replies(Status::Failed);
    assert_eq!(case.reply().unwrap().trouble, None);
}

#[test]
fn whoever_waits_hears_that_it_is_not_finished_and_what_is_in_the_way() {
    // behaviour 68, 91
    for outcome in [Outcome::Ongoing, unknown(), not_sent()] {
        let mut case = Given::saga(2).started();
        case.answer("action 01", outcome.clone()).then_replies(Status::Submitted);
        assert_eq!(case.reply().unwrap().trouble, Some(outcome));
    }
    let mut case = Given::concurrent_saga(2, &[]).started();
    case.answer("action 01", unknown()).then_nobody_is_answered();
    case.succeeds("action 02").then_replies(Status::Submitted);
    assert_eq!(case.reply().unwrap().trouble, Some(unknown()), "of an earlier answer of this pass");
}

#[test]
fn the_time_out_rolls_a_submitted_saga_back() {
    // behaviour 69
    let mut case = Given::saga(2).with(|options| options.timeout_to_fail = seconds(60)).started();
    case.then_wakes_at(60).succeeds("action 01").answer("action 02", unknown()).then_wakes_at(20);
    case.clock(60).feed(&Input::Woke).then_status(Status::Aborting).then_calls(&["compensate 02"]);
    case.then_reason("Timeout after 60 seconds");
}

#[test]
fn the_action_whose_turn_it_is_when_the_time_out_strikes_counts_as_possibly_run() {
    // behaviour 63
    let mut case = Given::saga(3).with(|options| options.timeout_to_fail = seconds(60)).started();
    case.clock(61).succeeds("action 01").then_calls(&["compensate 02"]);
    case.succeeds("compensate 02").succeeds("compensate 01").then_rows("s s s p p p");
}

#[test]
fn a_saga_that_is_done_when_the_time_out_strikes_succeeds() {
    let mut case = Given::saga(1).with(|options| options.timeout_to_fail = seconds(60)).started();
    case.clock(99).succeeds("action 01").then_status(Status::Succeed);
}

#[test]
fn without_a_time_out_a_saga_goes_on_for_ever() {
    // behaviour 69
    for option in [None, seconds(0)] {
        let mut case = Given::saga(1).with(|options| options.timeout_to_fail = option).started();
        case.then_never_wakes().answer("action 01", unknown()).clock(1_000_000).feed(&Input::Woke);
        case.then_status(Status::Submitted).then_calls(&["action 01"]);
    }
}

#[test]
fn the_interval_starts_at_the_option_and_only_errors_double_it() {
    // behaviour 70
    let mut case = Given::saga(1).with(|options| options.retry_interval = seconds(150)).started();
    case.then_interval(150).then_next_try(150);
    case.answer("action 01", Outcome::Ongoing).then_interval(150).wake();
    case.answer("action 01", unknown()).then_interval(300).then_next_try(450);
}

#[test]
fn a_time_out_below_the_interval_is_the_first_interval() {
    // behaviour 71, 107
    Given::saga(1).with(|options| options.timeout_to_fail = seconds(3)).started().then_interval(3);
    Given::saga(1).with(|options| options.timeout_to_fail = seconds(30)).started().then_interval(10);
    Given::saga(1).with(|options| options.retry_interval = seconds(0)).started().then_interval(10);
}

#[test]
fn with_a_retry_limit_an_action_is_tried_again_at_once_and_then_rolled_back() {
    // behaviour 72
    let mut case = Given::saga(2).with(|options| options.retry_limit = Some(2)).started();
    case.succeeds("action 01").answer("action 02", unknown()).then_calls(&["action 02"]);
    case.answer("action 02", unknown()).then_calls(&["action 02"]).then_interval(10);
    case.answer("action 02", unknown()).then_calls(&["compensate 02"]);
    case.then_reason("RetryCount is greater than RetryLimit, RetryLimit: 2");
    case.succeeds("compensate 02").succeeds("compensate 01");
    case.then_rows("s s s p").then_status(Status::Failed);
}

#[test]
fn tries_are_counted_per_branch_survive_a_crash_and_do_not_count_ongoing() {
    // decision 7, defects M2 and S3
    let mut case = Given::saga(2).with(|options| options.retry_limit = Some(1)).started();
    case.answer("action 01", unknown()).then_calls(&["action 01"]).then_is_durable(true);
    case.answer("action 01", Outcome::Ongoing).then_no_call().wake();
    case.answer("action 01", not_sent()).then_no_call().wake();
    case.succeeds("action 01").answer("action 02", unknown()).then_calls(&["action 02"]);
    case.crash().then_calls(&["action 02"]).answer("action 02", unknown());
    case.then_status(Status::Aborting).then_calls(&["compensate 02"]);
}

#[test]
fn a_retry_limit_of_zero_is_no_limit() {
    // behaviour 72: L > 0
    let mut case = Given::saga(1).with(|options| options.retry_limit = Some(0)).started();
    case.answer("action 01", unknown()).then_status(Status::Submitted).then_no_call();
}

#[test]
fn a_failure_is_final_whatever_the_retry_limit() {
    let mut case = Given::saga(1).with(|options| options.retry_limit = Some(5)).started();
    case.answer("action 01", failure()).then_status(Status::Aborting);
}

#[test]
fn every_call_carries_the_time_limit_of_its_transaction() {
    // behaviour 53, 73, defects R9 and R10
    let timeout = |given: Given| given.started().call().timeout;
    assert_eq!(timeout(Given::saga(1)), Seconds::new(3));
    let with = |option| Given::saga(1).with(|options| options.request_timeout = seconds(option));
    assert_eq!(timeout(with(8)), Seconds::new(8));
    assert_eq!(timeout(with(0)), Seconds::new(3), "zero is as if nothing was sent");
}

#[test]
fn a_slow_action_is_not_called_again_while_it_is_out() {
    // behaviour 74, defect M3: a pass has no end of its own
    let mut case = Given::saga(2).started();
    case.clock(500).feed(&Input::Woke).then_no_call().succeeds("action 01").then_calls(&["action 02"]);
}

#[test]
fn only_calls_that_may_have_been_made_before_are_marked_as_retries() {
    let mut case = Given::saga(2).started();
    assert!(!case.call().retry);
    assert!(case.answer("action 01", unknown()).wake().call().retry);
    assert!(!case.succeeds("action 01").call().retry, "the first call of the second step");
    assert!(case.crash().call().retry);
}
