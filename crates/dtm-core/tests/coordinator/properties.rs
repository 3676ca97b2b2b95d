//! Random transactions that are larger than the searched ones, and inputs that make no sense.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use dtm_core::coordinator::{Durability, InFlight, Input, Policy, Run, Write, decide, evolve};
use dtm_core::model::{
    Amendment, BranchIndex, BranchProgress, BranchStatus, Options, Ordering, Outcome, Plan, Seconds, State,
    Status, Timestamp, Transaction, WorkflowEnd,
};

use crate::fixtures::{CREATED, Given};
use crate::search::walk::{Walk, walk};

/// The steps of a random saga, and which waits for which: only later ones wait, for a random permutation.
fn random_saga() -> impl Strategy<Value = (usize, Option<BTreeMap<u64, Vec<u64>>>)> {
    (1_usize..=12).prop_flat_map(|steps| {
        let pairs = vec((0..steps, 0..steps), 0..=2 * steps);
        let names = Just((0..steps as u64).collect::<Vec<u64>>()).prop_shuffle();
        (Just(steps), proptest::option::of((pairs, names))).prop_map(|(steps, order)| {
            let orders = order.map(|(pairs, names)| {
                let mut orders: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
                for (a, b) in pairs {
                    if a < b {
                        orders.entry(names[b]).or_default().push(names[a]);
                    }
                }
                orders
            });
            (steps, orders)
        })
    })
}

fn ordering(steps: usize, orders: Option<&BTreeMap<u64, Vec<u64>>>) -> Ordering {
    orders.map_or(Ordering::Sequential, |orders| Ordering::concurrent(steps, orders).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_saga_keeps_its_promises(
        (steps, orders) in random_saga(),
        options in (any::<bool>(), proptest::option::of(1_u32..3)),
        most in 1_usize..6,
        choices in vec(any::<u16>(), 0..200),
    ) {
        let options = Options {
            timeout_to_fail: options.0.then(|| Seconds::new(100)),
            retry_limit: options.1,
            ..Options::default()
        };
        walk(&Walk::Saga { steps, ordering: ordering(steps, orders.as_ref()), options, most }, &choices)?;
    }

    #[test]
    fn a_random_tcc_or_xa_keeps_its_promises(
        is_xa: bool,
        tried in vec(any::<bool>(), 0..=12),
        choices in vec(any::<u16>(), 0..120),
    ) {
        walk(&Walk::SecondPhase { plan: if is_xa { Plan::Xa } else { Plan::Tcc }, tried }, &choices)?;
    }

    #[test]
    fn a_random_message_keeps_its_promises(
        steps in 0_usize..=12,
        concurrent: bool,
        choices in vec(any::<u16>(), 0..120),
    ) {
        walk(&Walk::Message { steps, concurrent }, &choices)?;
    }

    #[test]
    fn nothing_panics_and_a_refused_input_changes_nothing(
        transaction in nonsense(),
        inputs in vec((input(), 0_u32..200), 1..20),
        recovered: bool,
    ) {
        let policy = Policy::default();
        let mut run =
            if recovered { Run::recovered(transaction.clone()) } else { Run::fresh(transaction.clone()) };
        for (input, at) in inputs {
            let before = run.clone();
            match run.step(&input, &policy, CREATED.plus(Seconds::new(at))) {
                Ok(decision) => {
                    let at_rest = run.transaction().status().is_final();
                    let goes_on = !run.in_flight().calls().is_empty() || decision.wake.is_some();
                    prop_assert!(at_rest || goes_on, "stuck");
                }
                Err(_) => {
                    prop_assert_eq!(run.transaction(), before.transaction());
                    if input.starts_a_pass() {
                        prop_assert_eq!(&run, &before);
                    }
                }
            }
            if before.transaction().status().is_final() {
                prop_assert_eq!(run.transaction(), before.transaction());
            }
        }
    }

    #[test]
    fn the_same_question_gets_the_same_answer(transaction in nonsense(), input in input()) {
        let policy = Policy::default();
        let in_flight = InFlight::new(false);
        let answer = decide(&transaction, &in_flight, &input, &policy, CREATED);
        prop_assert_eq!(&answer, &decide(&transaction, &in_flight, &input, &policy, CREATED));
        if let Ok(decision) = answer {
            prop_assert!(decision.write.is_none_or(|write| write.expect == transaction.status()));
        }
    }

    #[test]
    fn a_write_is_applied_or_changes_nothing(transaction in nonsense(), write in any_write()) {
        let mut changed = transaction.clone();
        match evolve(&mut changed, &write) {
            Ok(()) => {
                prop_assert_eq!(changed.status(), write.status.unwrap_or(transaction.status()));
                for (index, row) in &write.rows {
                    prop_assert_eq!(changed.state.progress_of(*index), *row);
                }
                prop_assert_eq!(changed.definition, transaction.definition);
            }
            Err(_) => prop_assert_eq!(changed, transaction),
        }
    }
}

fn status() -> impl Strategy<Value = Status> {
    proptest::sample::select(Status::ALL.to_vec())
}

fn row() -> impl Strategy<Value = BranchProgress> {
    let statuses = vec![BranchStatus::Prepared, BranchStatus::Succeed, BranchStatus::Failed];
    (proptest::sample::select(statuses), any::<bool>(), any::<u32>())
        .prop_map(|(status, started, attempts)| BranchProgress { status, started, attempts, ended_at: None })
}

/// A transaction whose parts need not fit together.
fn nonsense() -> impl Strategy<Value = Transaction> {
    let given = proptest::sample::select(vec![
        Given::saga(0),
        Given::saga(3),
        Given::concurrent_saga(3, &[(0, &[1, 2])]),
        Given::saga(3).planned(|plan| {
            if let (Plan::Saga { ordering, .. }, Plan::Saga { ordering: other, .. }) =
                (plan, Given::concurrent_saga(5, &[(4, &[0])]).definition.plan)
            {
                *ordering = other;
            }
        }),
        Given::message(3),
        Given::message(3).with(|options| options.concurrent = true),
        Given::tcc(2),
        Given::tcc(0).registered(Given::xa(2).registrations),
        Given::xa(2),
        Given::workflow(),
    ]);
    let state = (vec(row(), 0..9), any::<bool>(), any::<u32>(), any::<u32>(), any::<u64>());
    (given, status(), state, proptest::option::of(0_u32..3)).prop_map(|(given, status, state, limit)| {
        let mut transaction = given.with(|options| options.retry_limit = limit).transaction();
        let (progress, starts_recorded, failures, interval, next_retry) = state;
        transaction.state = State {
            status,
            progress,
            starts_recorded,
            failures,
            interval: Seconds::new(interval),
            next_retry: Timestamp::from_millis(next_retry),
            ..transaction.state
        };
        transaction
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(vec![
        Outcome::Success,
        Outcome::Failure { reason: "订单".repeat(3_000) },
        Outcome::Ongoing,
        Outcome::Unknown { cause: String::new() },
        Outcome::NotSent { cause: String::new() },
    ])
}

fn input() -> impl Strategy<Value = Input> {
    let index = prop_oneof![0_u32..10, Just(u32::MAX)].prop_map(BranchIndex::new);
    let end = WorkflowEnd { succeeded: true, reason: String::new(), result: String::new() };
    let amendment = Amendment { options: Options::default(), delay: Some(Seconds::new(u32::MAX)) };
    prop_oneof![
        Just(Input::Woke),
        Just(Input::Rescheduled),
        Just(Input::ForceStopped),
        Just(Input::Aborted { reason: "why".to_owned() }),
        Just(Input::Submitted { amendment: None, end: None }),
        Just(Input::Submitted { amendment: Some(amendment), end: Some(end) }),
        (index, outcome()).prop_map(|(index, outcome)| Input::Branch { index, outcome }),
        outcome().prop_map(|outcome| Input::Probed { outcome }),
        outcome().prop_map(|outcome| Input::Resumed { outcome }),
    ]
}

fn any_write() -> impl Strategy<Value = Write> {
    let rows = btree_map(prop_oneof![0_u32..8, Just(u32::MAX)].prop_map(BranchIndex::new), row(), 0..4);
    (status(), proptest::option::of(status()), rows, any::<u64>()).prop_map(|(expect, status, rows, at)| {
        let at = Timestamp::from_millis(at);
        Write { status, rows, durability: Durability::Deferrable, ..Write::unchanged(expect, at) }
    })
}
