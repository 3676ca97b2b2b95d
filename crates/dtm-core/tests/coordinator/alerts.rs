//! Back-off and alerts, which are the same for all modes.

use dtm_core::model::{Outcome, Status};

use super::fixtures::{Given, failure, not_sent, seconds, unknown};

#[test]
fn the_third_failure_in_a_row_alerts_and_each_later_one() {
    // behaviour 92, decision 9
    let mut case = Given::saga(1).started();
    for interval in [20, 40] {
        case.answer("action 01", unknown()).then_interval(interval);
        assert!(case.alerts().is_empty(), "after an interval of {interval}");
        case.wake();
    }
    for (interval, count) in [(80, 3), (160, 4), (300, 5), (300, 6)] {
        case.answer("action 01", unknown()).then_interval(interval);
        let alert = case.alerts()[0].clone();
        assert_eq!(
            (alert.gid.as_str(), alert.status, &*alert.url),
            ("order-1", Status::Submitted, "http://do/1")
        );
        assert_eq!((alert.error.as_str(), alert.retry_count), ("timed out", count));
        case.wake();
    }
}

#[test]
fn ongoing_is_no_failure() {
    // behaviour 59, 92
    let mut case = Given::saga(1).started();
    for _ in 0..10 {
        case.answer("action 01", Outcome::Ongoing).then_interval(10);
        assert!(case.alerts().is_empty());
        case.wake();
    }
}

#[test]
fn a_success_starts_the_count_and_the_interval_again() {
    // behaviour 93
    let mut case = Given::saga(2).started();
    case.answer("action 01", unknown()).wake().answer("action 01", unknown()).then_interval(40).wake();
    case.succeeds("action 01").then_interval(10).answer("action 02", unknown()).then_interval(20);
    assert!(case.alerts().is_empty());
}

#[test]
fn a_branch_without_url_is_no_sign_that_things_are_better() {
    // the empty compensation of step 2 comes between two failures of step 3's neighbours
    let mut case =
        Given::concurrent_saga(3, &[(1, &[0])]).stepped(|steps| steps[1].action = "".into()).started();
    case.answer("action 03", unknown()).then_interval(20).wake();
    case.answer("action 03", unknown()).then_interval(40);
}

#[test]
fn one_pass_doubles_once_however_many_branches_fail_in_it() {
    // decision 6, defect M1
    let mut case = Given::concurrent_saga(4, &[]).started();
    for name in ["action 01", "action 02", "action 03", "action 04"] {
        case.answer(name, unknown()).then_interval(20);
        assert!(case.alerts().is_empty(), "four failures in one pass are one failing pass");
    }
    case.wake().answer("action 02", unknown()).answer("action 01", unknown()).then_interval(40);
}

#[test]
fn each_branch_that_is_stuck_is_named() {
    // behaviour 92: the hook is called for a branch
    let mut case = Given::concurrent_saga(2, &[]).started();
    for _ in 0..2 {
        case.answer("action 01", unknown()).answer("action 02", unknown()).wake();
    }
    case.answer("action 01", unknown());
    assert_eq!(&*case.alerts()[0].url, "http://do/1");
    case.answer("action 02", not_sent());
    assert_eq!((&*case.alerts()[0].url, case.alerts()[0].retry_count), ("http://do/2", 3));
}

#[test]
fn the_interval_grows_up_to_the_limit_and_never_below_its_base() {
    // decision 6, defect S6
    let mut case = Given::saga(1).with(|options| options.retry_interval = seconds(400)).started();
    case.answer("action 01", unknown()).then_interval(400).then_next_try(400);
}

#[test]
fn whatever_is_stuck_alerts() {
    // decision 9, defects M10 and S5
    let mut case = Given::tcc(1).submitted();
    for _ in 0..2 {
        case.answer("confirm 01", failure()).wake();
    }
    case.answer("confirm 01", failure());
    assert_eq!(&*case.alerts()[0].url, "http://confirm/0");

    let mut case = Given::message(1).started();
    for _ in 0..3 {
        case.wake().answer("msg 00", unknown());
    }
    assert_eq!((&*case.alerts()[0].url, case.alerts()[0].status), ("http://query", Status::Prepared));
}
