//! Large transactions: the work of one decision stays linear, and all that has to be called is called.

use std::collections::BTreeMap;

use dtm_core::coordinator::{Input, Run};
use dtm_core::model::{Ordering, Outcome, Plan, Status, Step};

use super::fixtures::{CREATED, Given, calls, ended};

/// The most steps that a default server takes. Fewer in a debug build, whose code is thirty times slower.
const MANY: usize = if cfg!(debug_assertions) { 2_000 } else { 10_000 };
const MANY_BRANCHES: u32 = if cfg!(debug_assertions) { 2_000 } else { 10_000 };

/// Answers every call with a success until the end, and counts them.
fn run_to_the_end(given: &Given, submit: bool, most_at_once: usize) -> usize {
    let mut run = Run::fresh(given.transaction());
    let first = if submit { Input::Submitted { amendment: None, end: None } } else { Input::Woke };
    let decision = run.step(&first, &given.policy, CREATED).unwrap();
    let mut out: Vec<_> = calls(&decision).map(|call| call.key).collect();
    let mut count = out.len();
    while let Some(key) = out.pop() {
        let decision = run.step(&ended(key, Outcome::Success), &given.policy, CREATED).unwrap();
        let more: Vec<_> = calls(&decision).map(|call| call.key).collect();
        count += more.len();
        out.extend(more);
        assert!(out.len() <= most_at_once, "{} calls are out", out.len());
    }
    assert_eq!(run.transaction().status(), Status::Succeed);
    count
}

#[test]
fn many_concurrent_steps_are_called_in_time_and_never_all_at_once() {
    assert_eq!(run_to_the_end(&Given::concurrent_saga(MANY, &[]), false, 128), MANY);
    let message = Given::message(MANY).with(|options| options.concurrent = true);
    assert_eq!(run_to_the_end(&message, true, 128), MANY);
}

#[test]
fn many_steps_one_after_the_other_are_called_in_time() {
    assert_eq!(run_to_the_end(&Given::saga(MANY), false, 1), MANY);
    assert_eq!(run_to_the_end(&Given::message(MANY), true, 1), MANY);
    assert_eq!(run_to_the_end(&Given::tcc(MANY_BRANCHES), true, 1), MANY);
    assert_eq!(run_to_the_end(&Given::xa(MANY_BRANCHES), true, 1), MANY);
}

#[test]
fn a_chain_of_steps_that_have_nothing_to_call_costs_one_look_each() {
    let silent = |steps: &mut [Step]| {
        for step in steps {
            step.action = "".into();
            step.compensate = "".into();
        }
    };
    let mut case = Given::saga(10_000).stepped(silent).started();
    case.then_status(Status::Succeed);

    // Ten steps that wait for all others, in an order against their numbers.
    let others: Vec<u64> = (10..10_000).collect();
    let orders: BTreeMap<u64, Vec<u64>> = (0..10).map(|step| (step, others.clone())).collect();
    let ordering = Ordering::concurrent(10_000, &orders).unwrap();
    let given = Given::saga(10_000).stepped(silent).planned(|plan| {
        if let Plan::Saga { ordering: own, .. } = plan {
            *own = ordering;
        }
    });
    given.started().then_status(Status::Succeed);
}

#[test]
fn a_wide_and_deep_order_is_run_in_time() {
    // Each step waits for the first nine and for the one before it: 10 entries a step, one call at a time.
    let first: Vec<u64> = (0..9).collect();
    let orders: BTreeMap<u64, Vec<u64>> =
        (10..1_000).map(|step| (step, [first.clone(), vec![step - 1]].concat())).collect();
    let ordering = Ordering::concurrent(1_000, &orders).unwrap();
    let given = Given::saga(1_000).planned(|plan| {
        if let Plan::Saga { ordering: own, .. } = plan {
            *own = ordering;
        }
    });
    assert_eq!(run_to_the_end(&given, false, 128), 1_000);
}
