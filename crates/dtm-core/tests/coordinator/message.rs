//! Two-phase messages: behaviour K.

use dtm_core::coordinator::{CallOp, Input};
use dtm_core::model::{Amendment, BranchId, Op, Options, Outcome, Plan, Status, rows};

use super::fixtures::{Given, at, failure, seconds, unknown};

fn delayed(given: Given, by: u32) -> Given {
    given.planned(|plan| {
        if let Plan::Message { delay, .. } = plan {
            *delay = seconds(by);
        }
    })
}

#[test]
fn the_rows_are_the_actions_and_a_subscriber_keeps_the_id_that_its_topic_gave_it() {
    // behaviour 86
    let given = Given::message(3).stepped(|steps| {
        steps[1].branch_id = Some(BranchId::parse("02-01").unwrap());
        steps[2].branch_id = Some(BranchId::parse("02-02").unwrap());
    });
    let transaction = given.transaction();
    let ids: Vec<String> = rows(&transaction).iter().map(|row| row.branch_id.to_string()).collect();
    assert_eq!(ids, ["01", "02-01", "02-02"]);
    given.submitted().succeeds("action 01").then_calls(&["action 02-01"]);
}

#[test]
fn branches_are_called_in_order_up_to_the_first_that_does_not_succeed() {
    // behaviour 87
    let mut case = Given::message(3).submitted();
    case.then_calls(&["action 01"]).succeeds("action 01").answer("action 02", failure());
    case.then_no_call().then_rows("s p p").then_status(Status::Submitted).then_interval(20);
    case.wake().succeeds("action 02").succeeds("action 03").then_status(Status::Succeed).then_rows("s s s");
}

#[test]
fn concurrent_branches_are_called_at_once() {
    // behaviour 87
    let mut case = Given::message(3).with(|options| options.concurrent = true).submitted();
    case.then_calls(&["action 01", "action 02", "action 03"]).succeeds("action 03").then_no_call();
    case.answer("action 01", unknown()).succeeds("action 02").then_rows("p s s").then_wakes_at(20);
    case.wake().then_calls(&["action 01"]).succeeds("action 01").then_status(Status::Succeed);
}

#[test]
fn no_answer_of_a_branch_fails_a_message() {
    // behaviour 87
    for outcome in [failure(), Outcome::Ongoing, unknown()] {
        let mut case = Given::message(1).submitted();
        case.answer("action 01", outcome).then_status(Status::Submitted).wake().then_calls(&["action 01"]);
    }
}

#[test]
fn before_the_time_out_nobody_is_asked() {
    // behaviour 19, 88
    let mut case = Given::message(1).started();
    case.then_wakes_at(35).clock(34).feed(&Input::Woke).then_no_call().then_wakes_at(35);
    case.feed(&Input::Rescheduled).then_no_call().then_wakes_at(35);
}

#[test]
fn after_the_time_out_the_client_is_asked_whether_it_committed() {
    // behaviour 50, 88
    let mut case = Given::message(1).with(|options| options.timeout_to_fail = seconds(50)).started();
    case.then_wakes_at(50).wake().then_calls(&["msg 00"]);
    let call = case.call();
    assert_eq!((&*call.url, call.payload.is_empty()), ("http://query", true));
    assert_eq!(call.op, CallOp::Branch(Op::Message));
    case.clock(55).feed(&Input::Woke).then_no_call();
}

#[test]
fn a_committed_message_goes_on_in_the_same_pass() {
    // behaviour 88
    let mut case = Given::message(1).started();
    case.wake().succeeds("msg 00").then_status(Status::Submitted).then_calls(&["action 01"]);
    case.then_is_durable(true);
    let mut case = Given::message(1).started();
    case.wake().answer("msg 00", unknown()).then_interval(20).wake().succeeds("msg 00").then_interval(10);
}

#[test]
fn a_message_whose_local_transaction_did_not_commit_fails_and_calls_nobody() {
    // behaviour 88
    let mut case = Given::message(1).started();
    case.wake().answer("msg 00", failure()).then_status(Status::Failed).then_no_call().then_rows("p");
}

#[test]
fn a_back_check_that_is_ongoing_resets_the_interval_and_one_that_fails_lengthens_it() {
    // behaviour 88
    let mut case = Given::message(1).started();
    case.wake().answer("msg 00", unknown()).then_status(Status::Prepared).then_interval(20);
    case.then_wakes_at(55).wake().answer("msg 00", unknown()).then_interval(40).then_wakes_at(95);
    case.wake().answer("msg 00", Outcome::Ongoing).then_interval(10).then_wakes_at(105);
    case.then_next_try(105).wake().answer("msg 00", unknown()).then_interval(20);
}

#[test]
fn a_decision_of_the_client_starts_with_the_first_interval_again() {
    let mut case = Given::message(1).started();
    case.wake().answer("msg 00", unknown()).wake().answer("msg 00", unknown()).then_interval(40);
    case.submit().then_interval(10).answer("action 01", unknown()).then_interval(20);
    assert!(case.alerts().is_empty(), "the first failure of the branch, whatever happened before");
}

#[test]
fn a_client_that_decides_during_the_back_check_is_believed() {
    // behaviour 88, 89
    for late in [Outcome::Success, failure(), Outcome::Ongoing, unknown()] {
        let mut case = Given::message(1).started();
        case.wake().submit().then_calls(&["action 01"]);
        case.answer("msg 00", late.clone()).then_status(Status::Submitted).then_no_call().then_never_wakes();
        case.succeeds("action 01").then_status(Status::Succeed);

        let mut case = Given::message(1).started();
        case.wake().abort("").answer("msg 00", late).then_status(Status::Failed).then_no_call();
    }
}

#[test]
fn a_message_whose_client_cannot_be_asked_stays_prepared_and_alerts() {
    let given = Given::message(1).planned(|plan| {
        if let Plan::Message { query_prepared, .. } = plan {
            *query_prepared = "".into();
        }
    });
    let mut case = given.started();
    case.wake().then_no_call().then_status(Status::Prepared).then_interval(20);
    case.wake().wake().then_status(Status::Prepared);
    assert_eq!(case.alerts().len(), 1);
    case.submit().then_calls(&["action 01"]);
}

#[test]
fn an_aborted_message_fails_and_calls_nobody() {
    // behaviour 17, 89
    let mut case = Given::message(1).started();
    case.abort("no").then_status(Status::Failed).then_no_call().then_reason("no").then_is_durable(true);
    let mut case = Given::message(1).submitted();
    assert!(case.try_feed(&Input::Aborted { reason: String::new() }).is_err());
}

#[test]
fn a_delayed_message_is_submitted_at_once_and_called_later() {
    // behaviour 90
    let mut case = delayed(Given::message(1), 100).started();
    case.clock(2).submit().then_status(Status::Submitted).then_no_call().then_wakes_at(100);
    case.then_next_try(100).then_interval(10).then_replies(Status::Submitted);
    case.clock(50).feed(&Input::Woke).then_no_call().feed(&Input::Rescheduled).then_no_call();
    case.then_next_try(100).wake().then_calls(&["action 01"]);
}

#[test]
fn a_delay_survives_the_death_of_client_and_server() {
    // decision 21, defect B15
    let mut case = delayed(Given::message(1), 100).started();
    case.wake().succeeds("msg 00").then_no_call().then_wakes_at(100).crash().then_no_call();
    case.wake().then_calls(&["action 01"]);
}

#[test]
fn a_delay_that_is_given_only_at_submit_is_kept() {
    // behaviour 14, decision 21
    let options = Options { retry_interval: seconds(7), ..Options::default() };
    let mut case = Given::message(1).started();
    case.submit_with(Amendment { options, delay: seconds(60) }).then_no_call().then_wakes_at(60);
    case.then_interval(7).then_is_durable(true).crash().then_wakes_at(60).wake().then_calls(&["action 01"]);
    case.answer("action 01", unknown()).then_interval(14);
}

#[test]
fn whoever_waits_hears_what_is_in_the_way() {
    // behaviour 91
    for outcome in [Outcome::Ongoing, failure(), unknown()] {
        let mut case = Given::message(2).submitted();
        case.answer("action 01", outcome.clone()).then_replies(Status::Submitted);
        assert_eq!(case.reply().unwrap().trouble, Some(outcome));
    }
    Given::message(1).submitted().succeeds("action 01").then_replies(Status::Succeed);
}

#[test]
fn a_message_with_nothing_to_call_ends_with_the_submit() {
    Given::message(0).submitted().then_status(Status::Succeed).then_is_durable(true);
    let silent = |steps: &mut [dtm_core::model::Step]| steps.iter_mut().for_each(|s| s.action = "".into());
    Given::message(2).stepped(silent).submitted().then_status(Status::Succeed).then_rows("s s");
}

#[test]
fn a_second_answer_to_a_call_changes_nothing() {
    let mut case = Given::message(2).submitted();
    case.succeeds("action 01");
    let index = dtm_core::model::BranchIndex::new(0);
    case.feed(&Input::Branch { index, outcome: unknown() }).then_nothing_is_written().then_no_call();
}

#[test]
fn submitting_again_calls_nobody_twice() {
    // behaviour 15, defects B1, B22 and S1
    let mut case = Given::message(2).submitted();
    case.submit().then_no_call().succeeds("action 01").submit().then_no_call();
    case.answer("action 02", unknown()).submit().then_calls(&["action 02"]);
    assert!(case.now >= at(0));
}
