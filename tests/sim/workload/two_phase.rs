//! Clients that run a TCC or an XA: prepare, register and try each branch, decide; or vanish on the way.

use dtm_core::model::{
    BranchId, Mode, Op, Options, Outcome, Payload, Plan, Registration, Seconds, StepIndex,
};
use tokio::time::sleep;

use super::mishaps::{Kind, play};
use crate::client::{Client, Request};

pub(super) async fn run(mut client: Client, mode: Mode) {
    let plan = if mode == Mode::Tcc { Plan::Tcc } else { Plan::Xa };
    let options = Options {
        wait_result: client.chance.percent(20),
        timeout_to_fail: client
            .chance
            .maybe(50, |chance| Seconds::new(u32::try_from(chance.between(4, 12)).expect("a small number"))),
        ..Options::default()
    };
    let prepared = client.insist(&Request::Prepare(plan.clone(), options.clone())).await.is_acknowledged();
    let Some(tried) = try_branches(&mut client, mode, prepared).await else { return };
    let decision = if tried && client.chance.percent(85) {
        Request::Submit(plan, options)
    } else {
        Request::Abort(mode)
    };
    client.insist(&decision).await;
    if client.chance.percent(20) {
        sleep(client.chance.millis(0, 4_000)).await;
        client.insist(&decision).await;
    }
    if client.chance.percent(20) {
        client.read().await;
    }
}

/// Whether all branches did their first phase; `None`: the client has vanished.
async fn try_branches(client: &mut Client, mode: Mode, prepared: bool) -> Option<bool> {
    if !prepared {
        return Some(false);
    }
    let (forward, back) =
        if mode == Mode::Tcc { (Op::Confirm, Op::Cancel) } else { (Op::Commit, Op::Rollback) };
    let count = u32::try_from(client.chance.size(0, 4)).expect("a small number");
    for index in 0..count {
        if client.chance.percent(4) {
            return None;
        }
        let branch_id = BranchId::of_step(StepIndex::new(index));
        play(client, &branch_id, Op::Action, Kind::MayRefuse);
        play(client, &branch_id, forward, Kind::MustDoIt);
        play(client, &branch_id, back, Kind::MustDoIt);
        let registration = registration(client, mode, &branch_id);
        if !client.insist(&Request::Register(registration)).await.is_acknowledged() {
            return Some(false);
        }
        if client.at_branch(&branch_id, Op::Action).await != Outcome::Success {
            return Some(false);
        }
    }
    (!client.chance.percent(6)).then_some(true)
}

fn registration(client: &mut Client, mode: Mode, branch_id: &BranchId) -> Registration {
    let branch_id = branch_id.clone();
    let data = Payload::from("{}");
    if mode == Mode::Xa {
        return Registration::Xa { branch_id, url: "http://phase-two".into(), data };
    }
    let confirm = if client.chance.percent(8) { "" } else { "http://confirm" };
    Registration::Tcc { branch_id, confirm: confirm.into(), cancel: "http://cancel".into(), data }
}
