//! A client with an oracle: it remembers what it was told, and what it does not know.

use std::sync::Arc;
use std::time::Duration;

use dtm_core::coordinator::Verb;
use dtm_core::model::{
    BranchId, Definition, Gid, Mode, Op, Options, Outcome, Plan, Protocol, Registration, Transaction,
    WorkflowEnd,
};
use dtm_server::runner::{Applied, Engine, RequestError};
use dtm_testkit::invariants::{Answer, Ask, Event};
use tokio::time::sleep;

use crate::chance::Chance;
use crate::cluster::Cluster;
use crate::world::World;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often it asks again when it does not know what became of its request.
const REPETITIONS: usize = 5;

pub(crate) struct Client {
    pub(crate) world: Arc<World>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) chance: Chance,
    pub(crate) gid: Gid,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Prepare(Plan, Options),
    Submit(Plan, Options),
    /// Other content under the same gid.
    SubmitOther(Plan, Options),
    /// A workflow has ended, in success or not.
    End(Plan, bool),
    Abort(Mode),
    Register(Registration),
    ForceStop,
    Reschedule,
}

impl Client {
    /// The same client, at the same time somewhere else.
    pub(crate) fn fork(&mut self) -> Self {
        Self {
            world: Arc::clone(&self.world),
            cluster: Arc::clone(&self.cluster),
            chance: self.chance.fork(),
            gid: self.gid.clone(),
        }
    }

    /// Asks until the answer is known, or until patience ends.
    pub(crate) async fn insist(&mut self, request: &Request) -> Answer {
        let mut answer = self.ask(request).await;
        for _ in 0..REPETITIONS {
            if !matches!(answer, Answer::Unknown(_)) {
                break;
            }
            sleep(self.chance.millis(0, 2_500)).await;
            answer = self.ask(request).await;
        }
        answer
    }

    /// Asks once.
    pub(crate) async fn ask(&mut self, request: &Request) -> Answer {
        let ask = request.ask();
        let gid = self.gid.clone();
        self.world.journal.record(Event::Asked { gid: gid.clone(), ask: ask.clone() });
        let mut answer = self.send(request).await;
        if self.chance.percent(6) && answer.is_acknowledged() {
            answer = Answer::Unknown("the answer is lost".to_owned());
        }
        self.world.journal.record(Event::Answered { gid, ask, answer: answer.clone() });
        answer
    }

    async fn send(&mut self, request: &Request) -> Answer {
        let Some(process) = self.cluster.pick(&mut self.chance) else {
            sleep(Duration::from_millis(5)).await;
            return Answer::Unknown("no server".to_owned());
        };
        let answered = async {
            process.gate.pass().await;
            let answer = answer_of(self.deliver(&process.engine, request).await);
            process.gate.pass().await;
            answer
        };
        tokio::select! {
            biased;
            answer = answered => answer,
            () = process.gate.death() => Answer::Unknown("the server died".to_owned()),
            () = sleep(PATIENCE) => Answer::Unknown("no answer".to_owned()),
        }
    }

    async fn deliver(&self, engine: &Engine, request: &Request) -> Result<Applied, RequestError> {
        let gid = &self.gid;
        match request {
            Request::Prepare(plan, options) => {
                engine.admit(Verb::Prepare, self.definition(plan, options), None).await
            }
            Request::Submit(plan, options) | Request::SubmitOther(plan, options) => {
                engine.admit(Verb::Submit, self.definition(plan, options), None).await
            }
            Request::End(plan, succeeded) => {
                let definition = self.definition(plan, &Options::default());
                engine.admit(Verb::Submit, definition, Some(end(*succeeded))).await
            }
            Request::Abort(mode) => engine.abort(gid, Some(*mode), "the client says so", false).await,
            Request::Register(registration) => {
                engine.register(gid, registration, |_| Ok(())).await.map(|()| Applied::Accepted)
            }
            Request::ForceStop => engine.force_stop(gid).await,
            Request::Reschedule => engine.reschedule(gid).await,
        }
    }

    fn definition(&self, plan: &Plan, options: &Options) -> Definition {
        Definition {
            gid: self.gid.clone(),
            protocol: Protocol::Http,
            plan: plan.clone(),
            options: options.clone(),
            custom_data: String::new(),
            created_at: self.world.now(),
        }
    }

    /// Reads what is stored; `None` when there is nothing, or when no answer comes.
    pub(crate) async fn read(&mut self) -> Option<Transaction> {
        let process = self.cluster.pick(&mut self.chance)?;
        let gid = self.gid.clone();
        let number = self.world.next_number();
        self.world.journal.record(Event::Asked { gid: gid.clone(), ask: Ask::Read(number) });
        let read = async {
            process.gate.pass().await;
            let stored = process.engine.load(&gid).await;
            process.gate.pass().await;
            stored
        };
        tokio::select! {
            biased;
            stored = read => {
                let stored = stored.ok()?.map(|stored| stored.transaction);
                let status = stored.as_ref().map(Transaction::status);
                self.world.journal.record(Event::Read { number, gid, status });
                stored
            }
            () = process.gate.death() => None,
            () = sleep(PATIENCE) => None,
        }
    }

    /// Does something at a branch itself: try, XA prepare, or a step of a workflow.
    pub(crate) async fn at_branch(&self, branch_id: &BranchId, op: Op) -> Outcome {
        let branches = &self.world.branches;
        branches.ask(self.gid.clone(), branch_id.clone(), op, Duration::from_secs(2)).await
    }
}

impl Request {
    fn ask(&self) -> Ask {
        match self {
            Self::Prepare(..) => Ask::Prepare,
            Self::Submit(..) => Ask::Submit,
            Self::SubmitOther(..) => Ask::SubmitOther,
            Self::End(_, succeeded) => Ask::End { succeeded: *succeeded },
            Self::Abort(_) => Ask::Abort,
            Self::Register(registration) => Ask::Register(registration.branch_id().clone()),
            Self::ForceStop => Ask::ForceStop,
            Self::Reschedule => Ask::Reschedule,
        }
    }
}

fn end(succeeded: bool) -> WorkflowEnd {
    let reason = if succeeded { "" } else { "a step said no" };
    WorkflowEnd { succeeded, result: "the result".to_owned(), reason: reason.to_owned() }
}

fn answer_of(result: Result<Applied, RequestError>) -> Answer {
    match result {
        Ok(Applied::Accepted | Applied::Unchanged) => Answer::Accepted,
        Ok(Applied::Passed(end)) => Answer::Passed(end.status),
        Err(
            error @ (RequestError::Refused(_)
            | RequestError::NotFound(_)
            | RequestError::CannotAbort { .. }
            | RequestError::CannotStop(_)),
        ) => Answer::Refused(error.to_string()),
        Err(error @ (RequestError::Busy(_) | RequestError::Store(_) | RequestError::Stopping)) => {
            Answer::Unknown(error.to_string())
        }
    }
}
