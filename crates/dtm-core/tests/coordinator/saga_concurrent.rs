//! A saga whose steps run at the same time: behaviour G.

use dtm_core::coordinator::Input;
use dtm_core::model::{Ordering, Outcome, Status};

use super::fixtures::{Given, failure, not_sent, seconds, unknown};

#[test]
fn all_steps_that_wait_for_nothing_start_at_once_and_one_ongoing_does_not_stop_the_others() {
    // behaviour 64
    let mut case = Given::concurrent_saga(3, &[(2, &[1])]).started();
    case.then_calls(&["action 01", "action 02"]);
    case.answer("action 01", Outcome::Ongoing).then_no_call();
    case.succeeds("action 02").then_calls(&["action 03"]);
    case.succeeds("action 03").then_rows("p p p s p s").then_status(Status::Submitted).then_wakes_at(10);
}

#[test]
fn steps_that_were_not_started_because_of_orders_are_neither_called_nor_compensated() {
    // behaviour 65
    let mut case = Given::concurrent_saga(2, &[(1, &[0])]).started();
    case.then_calls(&["action 01"]).answer("action 01", failure()).then_calls(&["compensate 01"]);
    case.succeeds("compensate 01").then_status(Status::Failed).then_rows("s f p p");
}

#[test]
fn an_independent_step_that_was_started_is_compensated() {
    // behaviour 65
    let mut case = Given::concurrent_saga(2, &[]).started();
    case.succeeds("action 02").answer("action 01", failure());
    case.then_calls(&["compensate 02", "compensate 01"].map(|name| name)).then_status(Status::Aborting);
    case.succeeds("compensate 01").succeeds("compensate 02").then_rows("s f s s").then_status(Status::Failed);
}

#[test]
fn compensations_run_against_the_orders() {
    // behaviour 66
    let mut case = Given::concurrent_saga(2, &[(1, &[0])]).started();
    case.succeeds("action 01").answer("action 02", failure()).then_calls(&["compensate 02"]);
    case.succeeds("compensate 02").then_calls(&["compensate 01"]);
    case.succeeds("compensate 01").then_rows("s s s f").then_status(Status::Failed);
}

#[test]
fn only_the_ordering_says_whether_a_saga_is_concurrent() {
    // behaviour 67
    Given::saga(2).with(|options| options.concurrent = true).started().then_calls(&["action 01"]);
    let empty = Ordering::concurrent(2, &std::collections::BTreeMap::new()).unwrap();
    assert!(matches!(empty, Ordering::Concurrent(_)), "defect R20: no orders at all is fine");
}

#[test]
fn compensations_wait_until_no_action_is_out() {
    // invariant I5
    for outcome in [Outcome::Success, failure(), Outcome::Ongoing, unknown(), not_sent()] {
        let mut case = Given::concurrent_saga(2, &[]).started();
        case.answer("action 01", failure()).then_status(Status::Aborting).then_no_call();
        case.then_nobody_is_answered();
        case.answer("action 02", outcome).then_calls(&["compensate 02", "compensate 01"]);
        case.then_reason("url:http://do/1 return failed: no money FAILURE");
    }
}

#[test]
fn compensations_wait_for_the_action_that_is_out_when_the_time_out_strikes() {
    // behaviour 63, 69, defect R4
    let mut case = Given::saga(2).with(|options| options.timeout_to_fail = seconds(5)).started();
    case.then_wakes_at(5).wake().then_status(Status::Aborting).then_no_call();
    case.answer("action 01", unknown()).then_calls(&["compensate 01"]);
    case.succeeds("compensate 01").then_status(Status::Failed).then_reason("Timeout after 5 seconds");
}

#[test]
fn a_wake_up_does_not_double_a_call_that_is_out() {
    // behaviour 15, defects B22, M3, S1
    let mut case = Given::concurrent_saga(2, &[]).started();
    case.answer("action 01", Outcome::Ongoing).wake().then_calls(&["action 01"]);
    case.submit().then_no_call().feed(&Input::Rescheduled).then_no_call().submit().then_no_call();
}

#[test]
fn an_order_between_steps_that_have_nothing_to_call_is_kept() {
    let mut case = Given::concurrent_saga(3, &[(0, &[1]), (1, &[2])])
        .stepped(|steps| steps[1].action = "".into())
        .started();
    case.then_calls(&["action 03"]).succeeds("action 03").then_calls(&["action 01"]);
    case.answer("action 01", failure()).then_calls(&["compensate 01"]);
    case.succeeds("compensate 01").then_calls(&["compensate 02"]);
    case.succeeds("compensate 02").then_calls(&["compensate 03"]);
}

#[test]
fn no_more_calls_are_out_than_allowed_and_all_are_made_in_the_end() {
    let mut case = Given::concurrent_saga(7, &[]).under(|policy| policy.calls_in_flight_max = 3).started();
    case.then_calls(&["action 01", "action 02", "action 03"]);
    case.succeeds("action 02").then_calls(&["action 04"]);
    case.answer("action 01", unknown()).then_calls(&["action 05"]);
    case.succeeds("action 03").succeeds("action 04").succeeds("action 05").succeeds("action 06");
    case.succeeds("action 07").then_status(Status::Submitted).then_wakes_at(20);
    case.wake().then_calls(&["action 01"]).succeeds("action 01").then_status(Status::Succeed);
}

#[test]
fn a_limit_of_no_calls_at_all_still_lets_one_through() {
    let mut case = Given::concurrent_saga(2, &[]).under(|policy| policy.calls_in_flight_max = 0).started();
    case.then_calls(&["action 01"]).succeeds("action 01").then_calls(&["action 02"]);
}
