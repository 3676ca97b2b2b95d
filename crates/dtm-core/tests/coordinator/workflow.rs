//! Workflows: behaviour L.

use dtm_core::coordinator::Input;
use dtm_core::model::{BranchId, BranchStatus, Op, Outcome, Payload, Plan, Registration, Status, rows};

use super::fixtures::{Given, failure, unknown};
use super::matchers::letters;

#[test]
fn a_prepared_workflow_waits_one_interval_before_it_is_called_back() {
    // behaviour 94, 98
    let mut case = Given::workflow().started();
    case.then_status(Status::Prepared).then_no_call().then_wakes_at(10);
    case.wake().then_calls(&["transfer 00"]);
    assert_eq!((&*case.call().url, case.call().payload.as_bytes()), ("http://resume", &b"input"[..]));
}

#[test]
fn a_recorded_step_is_a_row_with_its_result() {
    // behaviour 95
    let step = Registration::Workflow {
        branch_id: BranchId::parse("01").unwrap(),
        op: Op::Business,
        status: BranchStatus::Failed,
        data: Payload::from("result"),
    };
    let transaction = Given::workflow().registered(vec![step]).transaction();
    let rows = rows(&transaction);
    assert_eq!((rows[0].op, rows[0].payload.as_bytes()), (Op::Business, &b"result"[..]));
    assert_eq!(letters(&transaction), "f");
}

#[test]
fn the_client_says_how_it_ended() {
    // behaviour 96, 97
    let mut case = Given::workflow().started();
    case.end_workflow(true, "", "cmVzdWx0").then_status(Status::Succeed).then_no_call().then_never_wakes();
    assert_eq!(case.transaction().state.result.as_deref(), Some("cmVzdWx0"));
    case.then_is_durable(true);

    let mut case = Given::workflow().started();
    case.end_workflow(false, "no money", "").then_status(Status::Failed).then_reason("no money");
}

#[test]
fn an_end_is_reported_once() {
    // behaviour 96
    let mut case = Given::workflow().started();
    case.end_workflow(true, "", "");
    assert!(case.try_feed(&Input::Submitted { amendment: None, end: None }).is_err());
    let mut case = Given::workflow().started();
    assert!(case.try_feed(&Input::Submitted { amendment: None, end: None }).is_err(), "no end was told");
    assert!(case.try_feed(&Input::Aborted { reason: String::new() }).is_err(), "behaviour 17, defect M5");
}

#[test]
fn whatever_the_call_back_answers_it_stays_prepared_until_the_client_reports() {
    // behaviour 98, 99
    for outcome in [Outcome::Success, Outcome::Ongoing, failure(), unknown()] {
        let mut case = Given::workflow().started();
        case.wake().answer("transfer 00", outcome).then_status(Status::Prepared).then_no_call();
        case.wake().then_calls(&["transfer 00"]).end_workflow(true, "", "").then_status(Status::Succeed);
        case.succeeds("transfer 00").then_nothing_is_written().then_never_wakes();
    }
}

#[test]
fn errors_back_off_and_alert_and_ongoing_keeps_the_interval() {
    // decision 8, defects B14 and S4
    let mut case = Given::workflow().started();
    case.wake().answer("transfer 00", unknown()).then_interval(20).then_wakes_at(30);
    case.wake().answer("transfer 00", Outcome::Ongoing).then_interval(20).then_wakes_at(50);
    case.wake().answer("transfer 00", failure()).then_interval(40);
    assert!(case.alerts().is_empty());
    case.wake().answer("transfer 00", unknown()).then_interval(80);
    assert_eq!(case.alerts().len(), 1);
}

#[test]
fn a_call_back_that_succeeds_brings_the_interval_back() {
    let mut case = Given::workflow().started();
    case.wake().answer("transfer 00", unknown()).wake().answer("transfer 00", unknown()).then_interval(40);
    let now = case.now;
    case.wake().succeeds("transfer 00").then_interval(10);
    let wake = case.decision.wake.unwrap();
    assert_eq!(wake.since(case.now).as_secs(), 10, "and the next look is that far away, from {now:?} on");
}

#[test]
fn an_operator_has_it_called_back_now_but_never_twice_at_once() {
    // behaviour 19, 98
    let mut case = Given::workflow().started();
    case.clock(1).feed(&Input::Rescheduled).then_calls(&["transfer 00"]).then_next_try(1);
    case.feed(&Input::Rescheduled).then_no_call();
}

#[test]
fn a_workflow_has_no_time_out() {
    // behaviour 98
    let mut case =
        Given::workflow().with(|options| options.timeout_to_fail = super::fixtures::seconds(5)).started();
    case.clock(1_000_000).feed(&Input::Woke).then_status(Status::Prepared).then_calls(&["transfer 00"]);
}

#[test]
fn a_workflow_that_cannot_be_called_back_waits_for_its_client() {
    let given = Given::workflow().planned(|plan| {
        if let Plan::Workflow { callback, .. } = plan {
            *callback = "".into();
        }
    });
    let mut case = given.started();
    case.wake().then_no_call().then_interval(20).wake().wake().then_status(Status::Prepared);
    assert_eq!(case.alerts().len(), 1);
    case.end_workflow(true, "", "").then_status(Status::Succeed);
}
