//! Applications that run a workflow: one step after the other, each recorded; when one says no, those before it
//! are rolled back; then the end is reported. An execution that does not know how something went stops, and the
//! server calls back. Executions may overlap.

use std::time::Duration;

use dtm_core::model::{
    BranchId, BranchStatus, Op, Options, Outcome, Payload, Plan, Registration, Status, StepIndex, Transaction,
};
use dtm_testkit::invariants::Answer;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::mishaps::{Kind, play};
use crate::client::{Client, Request};
use crate::flows::Resume;

pub(super) async fn run(mut client: Client) {
    let count = u32::try_from(client.chance.size(0, 4)).expect("a small number");
    let steps: Vec<_> = (0..count).map(|index| BranchId::of_step(StepIndex::new(index))).collect();
    for branch_id in &steps {
        play(&mut client, branch_id, Op::Action, Kind::MayRefuse);
        play(&mut client, branch_id, Op::Rollback, Kind::MustDoIt);
    }
    let calls = client.world.flows.serve(&client.gid);
    tokio::spawn(serve(client.fork(), steps.clone(), calls));
    if client.chance.percent(40) {
        let mut twin = client.fork();
        let (_, _) = tokio::join!(execute(&mut client, &steps), execute(&mut twin, &steps));
    } else {
        execute(&mut client, &steps).await;
    }
    client.read().await;
}

/// Goes on with the workflow whenever it is called back. The first few times something may go wrong.
async fn serve(mut client: Client, steps: Vec<BranchId>, mut calls: mpsc::Receiver<Resume>) {
    let mut mishaps = client.chance.size(0, 3);
    while let Some(to) = calls.recv().await {
        let (mut execution, steps) = (client.fork(), steps.clone());
        let mishap = if mishaps > 0 { client.chance.between(0, 4) } else { 4 };
        mishaps = mishaps.saturating_sub(1);
        tokio::spawn(async move {
            match mishap {
                0 => drop(to),                             // it is down
                1 => sleep(Duration::from_secs(30)).await, // it is silent
                2 => drop(to.send(Outcome::Ongoing)),
                3 => drop((execute(&mut execution, &steps).await, to)), // its answer is lost
                _ => drop(to.send(execute(&mut execution, &steps).await)),
            }
        });
    }
}

/// Runs the workflow from what is recorded of it. `Unknown`: the execution has stopped halfway.
async fn execute(client: &mut Client, steps: &[BranchId]) -> Outcome {
    let stopped = |cause: &str| Outcome::Unknown { cause: cause.to_owned() };
    if matches!(client.insist(&Request::Prepare(plan(), Options::default())).await, Answer::Unknown(_)) {
        return stopped("it may not be prepared");
    }
    let Some(stored) = client.read().await else { return stopped("it cannot be read") };
    match stored.status() {
        Status::Succeed => return Outcome::Success,
        Status::Failed => return failed(),
        Status::Prepared | Status::Submitted | Status::Aborting => {}
    }
    for (at, branch_id) in steps.iter().enumerate() {
        match step(client, &stored, branch_id, Op::Action).await {
            Some(true) => {}
            Some(false) => return roll_back(client, &stored, &steps[..at]).await,
            None => return stopped("a step did not end"),
        }
    }
    end(client, true, Outcome::Success).await
}

async fn roll_back(client: &mut Client, stored: &Transaction, steps: &[BranchId]) -> Outcome {
    for branch_id in steps.iter().rev() {
        if step(client, stored, branch_id, Op::Rollback).await != Some(true) {
            return Outcome::Unknown { cause: "a roll-back did not end".to_owned() };
        }
    }
    end(client, false, failed()).await
}

/// Whether a branch did it, as it is recorded, or recorded now. `None`: this execution cannot go on.
async fn step(client: &mut Client, stored: &Transaction, branch_id: &BranchId, op: Op) -> Option<bool> {
    let recorded = stored.registrations.iter().find_map(|registration| match registration {
        Registration::Workflow { branch_id: branch, op: kind, status, .. } => {
            (branch == branch_id && *kind == op).then_some(*status == BranchStatus::Succeed)
        }
        Registration::Tcc { .. } | Registration::Xa { .. } => None,
    });
    if recorded.is_some() {
        return recorded;
    }
    if client.chance.percent(4) {
        return None; // it dies
    }
    let done = match client.at_branch(branch_id, op).await {
        Outcome::Success => true,
        Outcome::Failure { .. } if op == Op::Action => false,
        Outcome::Failure { .. } | Outcome::Ongoing | Outcome::Unknown { .. } | Outcome::NotSent { .. } => {
            return None;
        }
    };
    let registration = Registration::Workflow {
        branch_id: branch_id.clone(),
        op,
        status: if done { BranchStatus::Succeed } else { BranchStatus::Failed },
        data: Payload::empty(),
    };
    // refused: another execution has recorded it
    client.ask(&Request::Register(registration)).await.is_acknowledged().then_some(done)
}

async fn end(client: &mut Client, succeeded: bool, outcome: Outcome) -> Outcome {
    let answer = client.insist(&Request::End(plan(), succeeded)).await;
    if answer.is_acknowledged() {
        return outcome;
    }
    Outcome::Unknown { cause: format!("the end was not taken: {answer:?}") }
}

fn plan() -> Plan {
    Plan::Workflow { callback: "http://flow".into(), name: "transfer".into(), data: Payload::from("{}") }
}

fn failed() -> Outcome {
    Outcome::Failure { reason: "a step said no FAILURE".to_owned() }
}
