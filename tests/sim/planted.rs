//! The checker can fail: it finds each planted bug within a few seeds.

use crate::bug::Bug;
use crate::run::run;

/// How many seeds a bug may survive.
const SEEDS: u64 = 100;

fn is_found(bug: Bug, invariants: &[&str]) {
    let found = (0..SEEDS).find_map(|seed| {
        let report = run(seed, Some(bug));
        report.violations.into_iter().find(|violation| invariants.contains(&violation.invariant))
    });
    assert!(found.is_some(), "{bug:?} survived {SEEDS} seeds without a violation of {invariants:?}");
}

#[test]
fn a_creation_that_is_acknowledged_before_it_is_durable_is_found() {
    is_found(Bug::AcknowledgesTooEarly, &["I1", "write before call"]);
}

#[test]
fn a_store_that_ignores_the_owner_token_is_found() {
    is_found(Bug::IgnoresTheFence, &["I11"]);
}

#[test]
fn an_end_that_is_acknowledged_but_not_written_is_found() {
    is_found(Bug::LosesTheEnd, &["I8"]);
}

#[test]
fn an_unfinished_transaction_that_expires_is_found() {
    is_found(Bug::ExpiresTheUnfinished, &["I1"]);
}

#[test]
fn a_registration_that_is_acknowledged_but_not_written_is_found() {
    is_found(Bug::DropsARegistration, &["I1"]);
}

#[test]
fn a_step_of_a_workflow_that_two_executions_record_is_found() {
    is_found(Bug::IgnoresARaceOfBranches, &["I12"]);
}

#[test]
fn a_transport_that_takes_a_time_out_for_a_failure_is_found() {
    is_found(Bug::TimeOutIsFailure, &["I7"]);
}

#[test]
fn a_compensation_that_is_reported_but_never_made_is_found() {
    is_found(Bug::SkipsACompensation, &["I4"]);
}

#[test]
fn a_cancel_that_arrives_as_a_confirm_is_found() {
    is_found(Bug::MixesUpTheWays, &["I4"]);
}
