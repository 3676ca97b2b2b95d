//! What is durable when, and what a process that takes over makes of it.

use dtm_core::coordinator::{Input, Run};
use dtm_core::model::{BranchIndex, Outcome, Status};

use super::fixtures::{CREATED, Given, failure, seconds, unknown};

#[test]
fn steps_that_succeed_are_written_once_at_the_end() {
    // architecture 3: two durable writes, creation and end
    let mut case = Given::saga(3).started();
    case.then_is_durable(false).succeeds("action 01").then_is_durable(false);
    case.succeeds("action 02").then_is_durable(false).succeeds("action 03").then_is_durable(true);
}

#[test]
fn with_update_branch_sync_every_step_is_written_before_the_next_call() {
    // behaviour 106
    let mut case = Given::saga(2).under(|policy| policy.defer_progress = false).started();
    case.then_is_durable(true).succeeds("action 01").then_is_durable(true).crash().then_calls(&["action 02"]);
}

#[test]
fn deferred_steps_are_called_again_after_a_crash() {
    let mut case = Given::saga(2).started();
    case.succeeds("action 01").crash().then_calls(&["action 01"]);
}

#[test]
fn after_a_crash_before_the_first_write_every_action_may_have_been_called() {
    // behaviour 63, defect S12
    let mut case = Given::saga(3).started();
    case.succeeds("action 01").succeeds("action 02").then_calls(&["action 03"]);
    case.crash().answer("action 01", failure()).then_calls(&["compensate 03"]);
    case.succeeds("compensate 03").then_calls(&["compensate 02"]).succeeds("compensate 02");
    case.then_calls(&["compensate 01"]);
}

#[test]
fn after_the_first_write_every_start_is_recorded_before_the_call() {
    let mut case = Given::saga(3).started();
    case.flush().succeeds("action 01").then_calls(&["action 02"]).then_is_durable(true);
    case.crash().then_calls(&["action 02"]).answer("action 02", failure());
    case.then_calls(&["compensate 02"]).succeeds("compensate 02").succeeds("compensate 01");
    case.then_rows("s s s f p p");
}

#[test]
fn a_write_that_is_not_deferred_takes_all_deferred_progress_with_it() {
    let given = Given::saga(3);
    let mut run = Run::fresh(given.transaction());
    drop(run.step(&Input::Woke, &given.policy, CREATED).unwrap());
    assert!(run.in_flight().deferring());
    let ongoing = Input::Branch { index: BranchIndex::new(1), outcome: Outcome::Ongoing };
    drop(run.step(&ongoing, &given.policy, CREATED).unwrap());
    assert!(!run.in_flight().deferring());
}

#[test]
fn a_crash_during_the_compensations_repeats_at_most_some_of_them() {
    let mut case = Given::saga(3).started();
    case.succeeds("action 01").succeeds("action 02").answer("action 03", failure());
    case.succeeds("compensate 03").then_is_durable(false);
    case.crash().then_calls(&["compensate 03"]).succeeds("compensate 03").flush();
    case.crash().then_calls(&["compensate 02"]);
}

#[test]
fn a_pass_that_waits_is_durable_and_goes_on_elsewhere() {
    let mut case = Given::saga(2).started();
    case.succeeds("action 01").answer("action 02", unknown()).then_is_durable(true);
    case.crash().then_calls(&["action 02"]).then_interval(20);
}

#[test]
fn a_status_and_a_failure_are_never_deferred() {
    let mut case = Given::saga(1).with(|options| options.timeout_to_fail = seconds(9)).started();
    case.wake().then_status(Status::Aborting).then_is_durable(true);
    Given::tcc(1).submitted().then_is_durable(true);
    Given::saga(1).started().answer("action 01", failure()).then_is_durable(true);
    Given::saga(1).started().answer("action 01", Outcome::Ongoing).then_is_durable(true);
    Given::saga(1).started().feed(&Input::Rescheduled).then_is_durable(true);
    let mut case = Given::concurrent_saga(2, &[]).started();
    case.answer("action 01", failure()).answer("action 02", failure()).then_is_durable(true);
}

#[test]
fn an_answer_that_nobody_has_asked_for_since_the_crash_is_believed() {
    // the call of the process before; it says what the branch did
    let mut case = Given::saga(2).started();
    case.flush().crash();
    let late = Input::Branch { index: BranchIndex::new(1), outcome: Outcome::Success };
    case.feed(&late).then_calls(&["action 02"]);
}
