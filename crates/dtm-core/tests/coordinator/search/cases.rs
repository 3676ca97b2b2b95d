//! The searches: every mode, up to three branches.

use dtm_core::coordinator::Run;
use dtm_core::model::{Options, Ordering, Plan};

use super::explore::{Explored, explore};
use super::scenario::{
    Try, message, partial_orders, prepared, saga, second_phase, submitted, timeout, workflow,
};
use super::world::{Budget, Setting, World};

/// The most worlds that one search may visit.
const LIMIT: usize = 400_000;
const CALM: Budget = Budget { crashes: 1, late: 1, requests: 0, stops: 0 };
const BUSY: Budget = Budget { crashes: 1, late: 1, requests: 1, stops: 1 };

fn search(what: &str, start: World<'_, Run>) -> usize {
    let Explored { worlds, ends } =
        explore(start, LIMIT).unwrap_or_else(|violation| panic!("{what}: {violation:#?}"));
    println!("{what}: {worlds} worlds, {ends} of them an end");
    assert!(ends > 0, "{what}: the search has seen no end");
    worlds
}

fn search_saga(what: &str, setting: &Setting, budget: Budget) -> usize {
    search(what, submitted(setting, budget))
}

#[test]
fn a_sequential_saga_keeps_its_promises_whatever_happens() {
    for steps in 0..=3 {
        let setting = saga(steps, Ordering::Sequential, Options::default());
        search_saga(&format!("saga, {steps} steps"), &setting, CALM);
    }
    search_saga("saga, 2 steps, busy", &saga(2, Ordering::Sequential, timeout(100)), BUSY);
    let twice = Budget { crashes: 2, late: 2, ..CALM };
    search_saga("saga, 2 steps, two crashes", &saga(2, Ordering::Sequential, Options::default()), twice);
}

#[test]
fn a_saga_with_a_retry_limit_or_a_time_out_keeps_its_promises_whatever_happens() {
    let limited = Options { retry_limit: Some(1), ..Options::default() };
    search_saga("saga, 2 steps, retry limit", &saga(2, Ordering::Sequential, limited.clone()), CALM);
    search_saga("saga, 3 steps, time-out", &saga(3, Ordering::Sequential, timeout(100)), CALM);
    let ordering = Ordering::concurrent(2, &partial_orders(2)[0]).unwrap();
    search_saga("concurrent saga, 2 steps, retry limit", &saga(2, ordering.clone(), limited), CALM);
    let busy = Budget { late: 0, ..BUSY };
    search_saga("concurrent saga, 2 steps, busy", &saga(2, ordering, timeout(100)), busy);
}

#[test]
fn a_concurrent_saga_of_three_steps_keeps_its_promises_in_every_partial_order() {
    let orders = partial_orders(3);
    assert_eq!(orders.len(), 19, "there are 19 strict partial orders of three things");
    let calm = Budget { crashes: 0, ..CALM };
    let crash = Budget { late: 0, ..CALM };
    let mut worlds = 0;
    for orders in &orders {
        let ordering = Ordering::concurrent(3, orders).unwrap();
        let setting = saga(3, ordering, Options::default());
        worlds += search_saga(&format!("saga, crash, {orders:?}"), &setting, crash);
        // Late calls know nothing of numbers, so that other numberings of the same order add nothing.
        if orders.iter().all(|(step, before)| before.iter().all(|before| before < step)) {
            worlds += search_saga(&format!("saga, late, {orders:?}"), &setting, calm);
        }
    }
    println!("all orders: {worlds} worlds");
}

#[test]
fn a_saga_that_may_make_one_call_at_a_time_keeps_its_promises_too() {
    let mut setting = saga(3, Ordering::concurrent(3, &partial_orders(3)[0]).unwrap(), Options::default());
    setting.policy.calls_in_flight_max = 1;
    let crash = Budget { late: 0, ..CALM };
    search_saga("saga, one call at a time", &setting, crash);
    setting.policy.calls_in_flight_max = 128;
    setting.policy.defer_progress = false;
    search_saga("saga, nothing deferred", &setting, crash);
}

#[test]
fn a_tcc_keeps_its_promises_whatever_happens() {
    check_second_phase(&Plan::Tcc);
}

#[test]
fn an_xa_keeps_its_promises_whatever_happens() {
    check_second_phase(&Plan::Xa);
}

fn check_second_phase(plan: &Plan) {
    let mode = plan.mode();
    for branches in 0..=3 {
        let setting = second_phase(plan.clone(), branches, true);
        let start = prepared(&setting, &vec![Try::Done; branches], BUSY);
        search(&format!("{mode}, {branches} branches"), start);
    }
    let setting = second_phase(plan.clone(), 3, false);
    let start = prepared(&setting, &[Try::Done, Try::Late, Try::Late], BUSY);
    search(&format!("{mode}, two tries late"), start);
}

#[test]
fn a_message_keeps_its_promises_whatever_happens() {
    for concurrent in [false, true] {
        for steps in 0..=3 {
            let setting = message(steps, Options { concurrent, ..Options::default() });
            let start = prepared(&setting, &[], BUSY);
            search(&format!("message, {steps} steps, concurrent: {concurrent}"), start);
        }
    }
}

#[test]
fn a_workflow_keeps_its_promises_whatever_happens() {
    let setting = workflow();
    search("workflow", prepared(&setting, &[], BUSY));
}
