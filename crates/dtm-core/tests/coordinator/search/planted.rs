//! Coordinators with a bug. The search has to find each, or it proves nothing.

use std::marker::PhantomData;

use dtm_core::coordinator::{
    Decision, Durability, Illegal, InFlight, Input, Policy, Run, Write, decide, evolve, recover,
};
use dtm_core::model::{
    BranchIndex, BranchProgress, BranchStatus, Mode, Options, Ordering, Outcome, Plan, Status, Timestamp,
    Transaction,
};

use super::drive::Drive;
use super::explore::{Violation, explore};
use super::scenario::{Try, partial_orders, prepared, saga, second_phase, submitted, timeout};
use super::world::{Budget, World};

const BUDGET: Budget = Budget { crashes: 1, late: 1, requests: 1, stops: 0 };
const LIMIT: usize = 400_000;

/// What is wrong with a coordinator. By default: nothing.
trait Bug: Clone {
    /// Changes what the coordinator sees.
    fn mislead(_: &mut Transaction, _: &mut InFlight, _: &mut Input) {}
    /// Changes what it decided.
    fn spoil(_: &Transaction, _: &Input, _: &mut Decision) {}
    /// What is done to a transaction that comes from the store.
    fn recover(transaction: &mut Transaction) {
        recover(transaction);
    }
}

/// As [`Run`], with a bug.
#[derive(Clone)]
struct Mutant<B> {
    transaction: Transaction,
    in_flight: InFlight,
    bug: PhantomData<B>,
}

impl<B: Bug> Drive for Mutant<B> {
    fn fresh(transaction: Transaction) -> Self {
        let in_flight = InFlight::new(!transaction.state.starts_recorded);
        Self { transaction, in_flight, bug: PhantomData }
    }

    fn recovered(mut transaction: Transaction) -> Self {
        B::recover(&mut transaction);
        Self { transaction, in_flight: InFlight::resumed(), bug: PhantomData }
    }

    fn step(&mut self, input: &Input, policy: &Policy, now: Timestamp) -> Result<Decision, Illegal> {
        self.in_flight.receive(input);
        let (mut seen, mut out, mut heard) =
            (self.transaction.clone(), self.in_flight.clone(), input.clone());
        B::mislead(&mut seen, &mut out, &mut heard);
        let mut decision = decide(&seen, &out, &heard, policy, now)?;
        B::spoil(&self.transaction, input, &mut decision);
        if let Some(write) = &decision.write {
            evolve(&mut self.transaction, write)?;
        }
        self.in_flight.settle(input, &decision);
        Ok(decision)
    }

    fn flushed(&mut self) {
        self.in_flight.flushed();
    }

    fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }
}

const DONE: BranchProgress =
    BranchProgress { status: BranchStatus::Succeed, started: true, attempts: 0, ended_at: None };

fn find<B: Bug>(start: World<'_, Mutant<B>>) -> Violation {
    let violation = explore(start, LIMIT).expect_err("the search has to find the bug");
    println!("{}: {} after {:?}", violation.invariant, violation.detail, violation.way);
    violation
}

fn find_in_saga<B: Bug>(concurrent: bool) -> Violation {
    let ordering = match concurrent {
        true => Ordering::concurrent(2, &partial_orders(2)[0]).unwrap(),
        false => Ordering::Sequential,
    };
    let setting = saga(2, ordering, Options::default());
    find::<B>(submitted(&setting, BUDGET))
}

/// No bug: the mutant itself is sound.
#[derive(Clone)]
struct NoBug;
impl Bug for NoBug {}

#[test]
fn a_mutant_without_a_bug_passes() {
    let setting = saga(2, Ordering::Sequential, Options::default());
    explore::<Mutant<NoBug>>(submitted(&setting, BUDGET), LIMIT).unwrap();
    explore::<Run>(submitted(&setting, BUDGET), LIMIT).unwrap();
}

#[derive(Clone)]
struct SkipsACompensation;
impl Bug for SkipsACompensation {
    fn mislead(seen: &mut Transaction, _: &mut InFlight, _: &mut Input) {
        if seen.status() == Status::Aborting {
            seen.state.progress.resize(4, BranchProgress::UNTOUCHED);
            seen.state.progress[0] = DONE;
        }
    }
}

#[test]
fn the_search_finds_a_skipped_compensation() {
    let violation = find_in_saga::<SkipsACompensation>(false);
    assert_eq!(violation.invariant, "I4 failed is nothing");
}

#[derive(Clone)]
struct SucceedsOnResubmit;
impl Bug for SucceedsOnResubmit {
    fn spoil(transaction: &Transaction, input: &Input, decision: &mut Decision) {
        if transaction.mode() == Mode::Tcc
            && transaction.status() == Status::Submitted
            && matches!(input, Input::Submitted { .. })
        {
            let write = Write::unchanged(Status::Submitted, Timestamp::from_millis(0));
            decision.write =
                Some(Write { status: Some(Status::Succeed), durability: Durability::BeforeEffects, ..write });
        }
    }
}

#[test]
fn the_search_finds_a_tcc_that_succeeds_when_it_is_submitted_again() {
    // defect B1
    let setting = second_phase(Plan::Tcc, 2, true);
    let violation = find::<SucceedsOnResubmit>(prepared(&setting, &[Try::Done, Try::Done], BUDGET));
    assert_eq!(violation.invariant, "I3 succeed is everything");
}

#[derive(Clone)]
struct TakesUnknownForFailure;
impl Bug for TakesUnknownForFailure {
    fn mislead(seen: &mut Transaction, _: &mut InFlight, input: &mut Input) {
        if let Input::Branch { index, outcome: outcome @ Outcome::Unknown { .. } } = input
            && index.get() % 2 == 1
        {
            *outcome = Outcome::Failure { reason: "no answer".to_owned() };
            let compensation = index.at() - 1;
            seen.state.progress.resize(4, BranchProgress::UNTOUCHED);
            seen.state.progress[compensation] = DONE;
        }
    }

    fn spoil(_: &Transaction, input: &Input, decision: &mut Decision) {
        if let (Input::Branch { index, outcome: Outcome::Unknown { .. } }, Some(write)) =
            (input, &mut decision.write)
            && index.get() % 2 == 1
        {
            write.rows.insert(BranchIndex::new(index.get() - 1), DONE);
        }
    }
}

#[test]
fn the_search_finds_an_unknown_outcome_that_is_taken_for_a_failure_without_effect() {
    let violation = find_in_saga::<TakesUnknownForFailure>(false);
    assert_eq!(violation.invariant, "I4 failed is nothing");
}

#[derive(Clone)]
struct ForgetsDeferredStarts;
impl Bug for ForgetsDeferredStarts {
    fn recover(transaction: &mut Transaction) {
        transaction.state.starts_recorded = true;
    }
}

#[test]
fn the_search_finds_that_deferred_starts_are_forgotten_by_a_crash() {
    let setting = saga(2, Ordering::Sequential, timeout(100));
    let violation = find::<ForgetsDeferredStarts>(submitted(&setting, BUDGET));
    assert!(["I4 failed is nothing", "I5 compensation order"].contains(&violation.invariant));
}

#[derive(Clone)]
struct CompensatesTooEarly;
impl Bug for CompensatesTooEarly {
    fn mislead(_: &mut Transaction, out: &mut InFlight, _: &mut Input) {
        *out = InFlight::new(out.deferring());
    }
}

#[test]
fn the_search_finds_a_compensation_that_does_not_wait_for_an_action() {
    let violation = find_in_saga::<CompensatesTooEarly>(true);
    assert!(["I5 compensation order", "not twice at once"].contains(&violation.invariant));
}

#[derive(Clone)]
struct CompensatesInOrder;
impl Bug for CompensatesInOrder {
    fn mislead(seen: &mut Transaction, _: &mut InFlight, _: &mut Input) {
        if let Plan::Saga { ordering, .. } = &mut seen.definition.plan
            && seen.state.status == Status::Aborting
        {
            *ordering = Ordering::concurrent(2, &partial_orders(2)[0]).unwrap();
        }
    }
}

#[test]
fn the_search_finds_compensations_in_the_wrong_order() {
    let violation = find_in_saga::<CompensatesInOrder>(false);
    assert_eq!(violation.invariant, "I5 compensation order");
}

#[derive(Clone)]
struct ForgetsToWake;
impl Bug for ForgetsToWake {
    fn spoil(_: &Transaction, input: &Input, decision: &mut Decision) {
        if matches!(input.outcome(), Some(Outcome::Unknown { .. })) {
            decision.wake = None;
        }
    }
}

#[test]
fn the_search_finds_a_transaction_that_nobody_wakes() {
    let violation = find_in_saga::<ForgetsToWake>(false);
    assert_eq!(violation.invariant, "I8 never stuck");
}

#[derive(Clone)]
struct CallsWithoutEnd;
impl Bug for CallsWithoutEnd {
    fn mislead(seen: &mut Transaction, _: &mut InFlight, input: &mut Input) {
        if let Input::Branch { outcome: outcome @ Outcome::Success, .. } = input
            && seen.status() == Status::Aborting
        {
            *outcome = Outcome::Ongoing;
        }
    }
}

#[test]
fn the_search_finds_a_compensation_that_never_counts_as_done() {
    assert_eq!(find_in_saga::<CallsWithoutEnd>(false).invariant, "liveness");
}
