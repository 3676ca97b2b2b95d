//! Clients that submit sagas: once, twice, at the same time, and again when they do not know.

use std::collections::BTreeMap;

use dtm_core::model::{BranchId, Op, Options, Ordering, Plan, Seconds, Step, StepIndex};
use tokio::time::sleep;

use super::mishaps::{Kind, play};
use crate::chance::Chance;
use crate::client::{Client, Request};

pub(super) async fn run(mut client: Client) {
    let plan = plan(&mut client.chance);
    let options = options(&mut client.chance);
    for (index, _) in (0..).map(StepIndex::new).zip(plan.steps()) {
        let branch_id = BranchId::of_step(index);
        play(&mut client, &branch_id, Op::Action, Kind::MayRefuse);
        play(&mut client, &branch_id, Op::Compensate, Kind::MustDoIt);
    }
    let submit = Request::Submit(plan, options.clone());
    if client.chance.percent(15) {
        let mut twin = client.fork();
        let (_, _) = tokio::join!(client.insist(&submit), twin.insist(&submit));
    } else if client.insist(&submit).await.is_acknowledged() && client.chance.percent(10) {
        let other =
            Plan::Saga { steps: vec![Step::new("http://other", "", "{}")], ordering: Ordering::Sequential };
        client.ask(&Request::SubmitOther(other, options)).await;
    }
    if client.chance.percent(25) {
        sleep(client.chance.millis(0, 5_000)).await;
        client.insist(&submit).await;
    }
    if client.chance.percent(30) {
        sleep(client.chance.millis(0, 20_000)).await;
        client.read().await;
    }
}

fn plan(chance: &mut Chance) -> Plan {
    let count = if chance.percent(4) { 0 } else { chance.size(1, 5) };
    let url = |chance: &mut Chance, url: &'static str| if chance.percent(5) { "" } else { url };
    let steps: Vec<Step> =
        (0..count).map(|_| Step::new(url(chance, "http://do"), url(chance, "http://undo"), "{}")).collect();
    let ordering = if chance.percent(40) { ordering(chance, count) } else { Ordering::Sequential };
    Plan::Saga { steps, ordering }
}

/// Random entries along a random permutation of the steps, so that there is no cycle.
fn ordering(chance: &mut Chance, count: usize) -> Ordering {
    let mut permutation: Vec<u64> = (0..count as u64).collect();
    for at in (1..count).rev() {
        permutation.swap(at, chance.size(0, at));
    }
    let mut orders: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for later in 1..count {
        for earlier in 0..later {
            if chance.percent(35) {
                orders.entry(permutation[later]).or_default().push(permutation[earlier]);
            }
        }
    }
    Ordering::concurrent(count, &orders).expect("a permutation has no cycle")
}

fn options(chance: &mut Chance) -> Options {
    let seconds = |chance: &mut Chance, low, high| {
        Seconds::new(u32::try_from(chance.between(low, high)).expect("a small number"))
    };
    Options {
        wait_result: chance.percent(30),
        timeout_to_fail: chance.maybe(25, |chance| seconds(chance, 1, 12)),
        retry_interval: chance.maybe(30, |chance| seconds(chance, 1, 3)),
        retry_limit: chance.maybe(20, |chance| u32::try_from(chance.between(1, 3)).expect("a small number")),
        request_timeout: chance.maybe(20, |chance| seconds(chance, 1, 4)),
        ..Options::default()
    }
}
