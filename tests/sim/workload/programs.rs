//! Starts the clients of a run, and an operator.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Gid, Mode, Seconds};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{message, saga, two_phase, workflow};
use crate::chance::Chance;
use crate::client::{Client, Request};
use crate::cluster::Cluster;
use crate::world::World;

/// The clients of a run.
pub(crate) struct Programs(Vec<JoinHandle<()>>);

/// Starts all clients; each begins at some time within `span`.
pub(crate) fn start(
    world: &Arc<World>,
    cluster: &Arc<Cluster>,
    span: Duration,
    mut chance: Chance,
) -> Programs {
    let span = u64::try_from(span.as_millis()).expect("a short span");
    let mut tasks = Vec::new();
    for number in 0..chance.size(8, 20) {
        let mut client = Client {
            world: Arc::clone(world),
            cluster: Arc::clone(cluster),
            chance: chance.fork(),
            gid: Gid::parse(&format!("g{number}")).expect("a good gid"),
        };
        let begin = chance.millis(0, span);
        let mode = chance.one_of(&[
            Mode::Saga,
            Mode::Saga,
            Mode::Saga,
            Mode::Tcc,
            Mode::Xa,
            Mode::Message,
            Mode::Workflow,
        ]);
        let meddler = chance.percent(25).then(|| client.fork());
        tasks.push(tokio::spawn(async move {
            sleep(begin).await;
            match mode {
                Mode::Tcc | Mode::Xa => two_phase::run(client, mode).await,
                Mode::Message => message::run(client).await,
                Mode::Saga => saga::run(client).await,
                Mode::Workflow => workflow::run(client).await,
            }
        }));
        if let Some(meddler) = meddler {
            tasks.push(tokio::spawn(async move {
                sleep(begin).await;
                meddle(meddler).await;
            }));
        }
    }
    tasks.push(tokio::spawn(reschedule_all(Arc::clone(cluster), chance)));
    Programs(tasks)
}

impl Programs {
    /// Returns when all clients have done what they wanted.
    pub(crate) async fn end(self) {
        for task in self.0 {
            task.await.expect("a client does not panic");
        }
    }
}

/// An operator looks after one transaction.
async fn meddle(mut operator: Client) {
    sleep(operator.chance.millis(0, 12_000)).await;
    operator.read().await;
    let request = if operator.chance.percent(15) { Request::ForceStop } else { Request::Reschedule };
    operator.ask(&request).await;
    operator.read().await;
}

/// An operator tries everything again.
async fn reschedule_all(cluster: Arc<Cluster>, mut chance: Chance) {
    sleep(chance.millis(0, 60_000)).await;
    if let Some(process) = cluster.pick(&mut chance) {
        let ahead = Seconds::new(u32::try_from(chance.between(0, 5)).expect("a small number"));
        let limit = chance.size(1, 10);
        tokio::select! {
            biased;
            result = process.engine.reschedule_all(ahead, limit) => drop(result),
            () = process.gate.death() => {}
            () = sleep(Duration::from_secs(8)) => {}
        }
    }
}
