//! Where a search starts.

use std::collections::BTreeMap;

use dtm_core::coordinator::Policy;
use dtm_core::model::{
    BranchId, Definition, Gid, Options, Ordering, Payload, Plan, Protocol, Registration, Seconds, Step,
    StepIndex, Timestamp, Transaction,
};

use super::drive::Drive;
use super::site::Phase;
use super::world::{Budget, Setting, World};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_000_000);

/// Where the try of a TCC branch, or the prepare of an XA branch, is when the search starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    Done,
    /// The call has not arrived, and may never.
    Late,
}

pub(crate) fn setting(plan: Plan, options: Options) -> Setting {
    let definition = Definition {
        gid: Gid::parse("g").expect("a gid"),
        protocol: Protocol::Http,
        plan,
        options,
        custom_data: String::new(),
        created_at: START,
    };
    let steps = definition.plan.steps().len();
    let later = match &definition.plan {
        Plan::Saga { ordering: Ordering::Concurrent(graph), .. } => {
            (0..).map(StepIndex::new).take(steps).map(|step| reachable(graph, step)).collect()
        }
        Plan::Saga { .. } => (0..steps).map(|step| (step + 1..steps).collect()).collect(),
        Plan::Message { .. } | Plan::Tcc | Plan::Xa | Plan::Workflow { .. } => Vec::new(),
    };
    Setting { policy: Policy::default(), definition, registrations: Vec::new(), later, may_submit: false }
}

fn reachable(graph: &dtm_core::model::Predecessors, from: StepIndex) -> Vec<usize> {
    let mut found: Vec<StepIndex> = graph.after(from).to_vec();
    let mut at = 0;
    while let Some(&step) = found.get(at) {
        at += 1;
        for next in graph.after(step) {
            if !found.contains(next) {
                found.push(*next);
            }
        }
    }
    found.into_iter().map(StepIndex::at).collect()
}

pub(crate) fn saga(steps: usize, ordering: Ordering, options: Options) -> Setting {
    let steps = (0..steps).map(|n| Step::new(&format!("a{n}"), &format!("c{n}"), "x")).collect();
    setting(Plan::Saga { steps, ordering }, options)
}

pub(crate) fn message(steps: usize, options: Options) -> Setting {
    let steps = (0..steps).map(|n| Step::new(&format!("a{n}"), "", "x")).collect();
    setting(Plan::Message { steps, query_prepared: "q".into(), delay: None }, options)
}

pub(crate) fn workflow() -> Setting {
    let plan = Plan::Workflow { callback: "w".into(), name: "n".into(), data: Payload::empty() };
    setting(plan, Options::default())
}

pub(crate) fn second_phase(plan: Plan, branches: usize, may_submit: bool) -> Setting {
    let register = |n: u32| {
        let branch_id = BranchId::of_step(StepIndex::new(n));
        let data = Payload::empty();
        match plan {
            Plan::Xa => Registration::Xa { branch_id, url: "p".into(), data },
            _ => Registration::Tcc { branch_id, confirm: "f".into(), cancel: "c".into(), data },
        }
    };
    let registrations = (0..).map(register).take(branches).collect();
    Setting { registrations, may_submit, ..setting(plan, Options::default()) }
}

pub(crate) fn timeout(seconds: u32) -> Options {
    Options { timeout_to_fail: Some(Seconds::new(seconds)), ..Options::default() }
}

/// A saga that was submitted.
pub(crate) fn submitted<D: Drive>(setting: &Setting, budget: Budget) -> World<'_, D> {
    let transaction = Transaction::submitted(setting.definition.clone(), &setting.policy);
    World::new(setting, transaction, budget)
}

/// A transaction that is prepared, with its branches registered and tried.
pub(crate) fn prepared<'s, D: Drive>(setting: &'s Setting, tries: &[Try], budget: Budget) -> World<'s, D> {
    let mut transaction = Transaction::prepared(setting.definition.clone(), &setting.policy);
    transaction.registrations.clone_from(&setting.registrations);
    let mut world = World::new(setting, transaction, budget);
    for (site, tried) in tries.iter().enumerate() {
        match tried {
            Try::Done => world.sites[site].arrive(Phase::Forward),
            Try::Late => world.late.push((site, Phase::Forward)),
        }
    }
    world
}

/// All strict partial orders of `steps` steps, as `orders`.
pub(crate) fn partial_orders(steps: u64) -> Vec<BTreeMap<u64, Vec<u64>>> {
    let pairs: Vec<(u64, u64)> =
        (0..steps).flat_map(|a| (0..steps).map(move |b| (a, b))).filter(|(a, b)| a != b).collect();
    let subsets = (0..1_u32 << pairs.len()).map(|bits| {
        let chosen = |n: &usize| bits & (1 << n) != 0;
        (0..pairs.len()).filter(chosen).map(|n| pairs[n]).collect::<Vec<_>>()
    });
    let is_transitive = |order: &Vec<(u64, u64)>| {
        order.iter().all(|&(a, b)| {
            a != b
                && order.iter().all(|&(c, d)| b != c || (a != d && order.contains(&(a, d))))
                && !order.contains(&(b, a))
        })
    };
    subsets
        .filter(is_transitive)
        .map(|order| {
            let mut orders: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for (before, after) in order {
                orders.entry(after).or_default().push(before);
            }
            orders
        })
        .collect()
}
