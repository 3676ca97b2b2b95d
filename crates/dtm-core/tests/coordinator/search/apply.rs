//! What an event changes.

use dtm_core::coordinator::{CallKey, Decision, Durability, Effect, Illegal, Input};
use dtm_core::model::{Mode, Outcome, Status, WorkflowEnd};

use super::drive::Drive;
use super::event::{Event, Reaction, Request};
use super::invariants::Fact;
use super::world::{Local, World, place_of};

impl<D: Drive> World<'_, D> {
    /// Lets `event` happen, and says what the coordinator did.
    pub(crate) fn apply(&mut self, event: &Event) -> Result<Vec<Fact>, Illegal> {
        match event {
            Event::Wake => {
                self.now = self.wake.map_or(self.now, |wake| wake.max(self.now));
                self.feed(&Input::Woke)
            }
            Event::Elapse => {
                self.now = self.deadline().map_or(self.now, |at| at.max(self.now));
                Ok(Vec::new())
            }
            Event::Answer(key, reaction) => self.answer(*key, *reaction),
            Event::Arrive(site, phase) => {
                let at = self.late.iter().position(|late| *late == (*site, *phase)).expect("it is late");
                self.late.remove(at);
                self.sites[*site].arrive(*phase);
                Ok(Vec::new())
            }
            Event::Flush => {
                self.durable = self.run.transaction().state.clone();
                self.run.flushed();
                Ok(Vec::new())
            }
            Event::Crash(fates) => {
                self.crash(fates);
                Ok(Vec::new())
            }
            Event::Ask(request) => self.ask(*request),
            Event::EndLocal(local) => {
                self.local = *local;
                Ok(Vec::new())
            }
        }
    }

    fn answer(&mut self, key: CallKey, reaction: Reaction) -> Result<Vec<Fact>, Illegal> {
        self.happen(key, reaction);
        let outcome = match (key, reaction) {
            (CallKey::Probe, Reaction::Success | Reaction::Failure) => self.truth(),
            (_, Reaction::Success) => Outcome::Success,
            (_, Reaction::Failure) => Outcome::Failure { reason: "no".to_owned() },
            (_, Reaction::Ongoing) => Outcome::Ongoing,
            (_, Reaction::NotSent) => Outcome::NotSent { cause: "breaker".to_owned() },
            (_, Reaction::Lost | Reaction::Applied | Reaction::Late) => {
                Outcome::Unknown { cause: "timed out".to_owned() }
            }
        };
        self.feed(&match key {
            CallKey::Branch(index) => Input::Branch { index, outcome },
            CallKey::Probe => Input::Probed { outcome },
            CallKey::Resume => Input::Resumed { outcome },
        })
    }

    /// The back-check looks at the local transaction, and keeps an open one from committing (DTM's barrier
    /// does so).
    fn truth(&mut self) -> Outcome {
        if self.local == Local::Committed {
            return Outcome::Success;
        }
        self.local = Local::RolledBack;
        Outcome::Failure { reason: "rolled back".to_owned() }
    }

    /// What a call does at its branch.
    fn happen(&mut self, key: CallKey, reaction: Reaction) {
        let Some((site, phase)) = place_of(self.run.transaction().mode(), key) else { return };
        match reaction {
            Reaction::Success | Reaction::Applied => self.sites[site].arrive(phase),
            Reaction::Late => {
                self.budget.late -= 1;
                self.late.push((site, phase));
                self.late.sort_unstable();
            }
            Reaction::Failure | Reaction::Ongoing | Reaction::NotSent | Reaction::Lost => {}
        }
    }

    fn crash(&mut self, fates: &[Reaction]) {
        let calls: Vec<CallKey> = self.run.in_flight().calls().iter().copied().collect();
        for (key, fate) in calls.into_iter().zip(fates) {
            self.happen(key, *fate);
        }
        self.budget.crashes -= 1;
        self.run = D::recovered(self.stored());
        self.wake = Some(self.now);
    }

    fn ask(&mut self, request: Request) -> Result<Vec<Fact>, Illegal> {
        if self.status() != Status::Prepared {
            self.budget.requests = self.budget.requests.saturating_sub(1);
        }
        let end = |succeeded| WorkflowEnd { succeeded, reason: String::new(), result: String::new() };
        let is_workflow = self.run.transaction().mode() == Mode::Workflow;
        let input = match request {
            Request::Submit => Input::Submitted { amendment: None, end: is_workflow.then(|| end(true)) },
            Request::SubmitFailed => Input::Submitted { amendment: None, end: Some(end(false)) },
            Request::Abort => Input::Aborted { reason: "client".to_owned() },
            Request::Reschedule => Input::Rescheduled,
            Request::ForceStop => {
                self.budget.stops -= 1;
                Input::ForceStopped
            }
        };
        let facts = self.feed(&input)?;
        self.forced |= request == Request::ForceStop;
        Ok(facts)
    }

    /// As the server's runner does it: decide, write, and only then call.
    fn feed(&mut self, input: &Input) -> Result<Vec<Fact>, Illegal> {
        let mut out = self.run.in_flight().clone();
        out.receive(input);
        let decision = self.run.step(input, &self.setting.policy, self.now)?;
        let Decision { write, effects, wake } = decision;
        self.wake = wake;
        if write.is_some_and(|write| write.durability == Durability::BeforeEffects) {
            self.durable = self.run.transaction().state.clone();
            self.run.flushed();
        }
        let mut facts = Vec::new();
        for effect in effects {
            match effect {
                Effect::Call(call) | Effect::Probe(call) | Effect::Resume(call) => {
                    let place = place_of(call.mode, call.key);
                    facts.push(Fact::Called { place, already_out: out.has(call.key) });
                    if let Some((site, phase)) = place {
                        self.sites[site].ask(phase);
                    }
                }
                Effect::Alert(_) | Effect::Reply(_) => {}
            }
        }
        Ok(facts)
    }
}
