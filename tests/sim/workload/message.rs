//! Clients that send messages: prepare, a local transaction, submit or abort; or vanish on the way, so that the
//! server has to ask whether the local transaction committed.

use dtm_core::model::{BranchId, Mode, Op, Options, Plan, Seconds, Step, StepIndex};
use tokio::time::sleep;

use super::mishaps::{Kind, play};
use crate::chance::Chance;
use crate::client::{Client, Request};

pub(super) async fn run(mut client: Client) {
    let plan = plan(&mut client.chance);
    let options = Options {
        wait_result: client.chance.percent(20),
        concurrent: client.chance.percent(40),
        timeout_to_fail: client
            .chance
            .maybe(50, |chance| Seconds::new(u32::try_from(chance.between(3, 10)).expect("a small number"))),
        ..Options::default()
    };
    for (index, _) in (0..).map(StepIndex::new).zip(plan.steps()) {
        play(&mut client, &BranchId::of_step(index), Op::Action, Kind::MustDoIt);
    }
    play(&mut client, &BranchId::root(), Op::Message, Kind::MayRefuse);
    let submit = Request::Submit(plan.clone(), options.clone());
    if client.chance.percent(20) {
        client.insist(&submit).await; // without a local transaction
        return;
    }
    if !client.insist(&Request::Prepare(plan, options)).await.is_acknowledged() {
        client.insist(&Request::Abort(Mode::Message)).await;
        return;
    }
    if let Some(committed) = local_transaction(&mut client).await {
        let decision = if committed { submit } else { Request::Abort(Mode::Message) };
        client.insist(&decision).await;
        if client.chance.percent(20) {
            client.insist(&decision).await;
        }
    }
    client.read().await;
}

/// Whether it committed; `None`: the client has vanished and tells nobody.
async fn local_transaction(client: &mut Client) -> Option<bool> {
    if client.chance.percent(10) {
        return None;
    }
    let span = client.chance.millis(0, if client.chance.clone().percent(10) { 14_000 } else { 50 });
    sleep(span).await;
    let books = client.world.branches.books();
    let committed = if client.chance.percent(75) {
        books.commit_local(&client.gid)
    } else {
        books.roll_back_local(&client.gid);
        false
    };
    (!client.chance.percent(30)).then_some(committed)
}

fn plan(chance: &mut Chance) -> Plan {
    let count = chance.size(1, 4);
    let steps =
        (0..count).map(|_| Step::new(if chance.percent(5) { "" } else { "http://do" }, "", "{}")).collect();
    let delay =
        chance.maybe(25, |chance| Seconds::new(u32::try_from(chance.between(1, 5)).expect("a small number")));
    Plan::Message { steps, query_prepared: "http://query".into(), delay }
}
