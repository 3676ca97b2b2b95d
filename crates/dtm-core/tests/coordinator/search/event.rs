//! What can happen next in a world.

use dtm_core::coordinator::CallKey;
use dtm_core::model::{Mode, Status};

use super::drive::Drive;
use super::site::Phase;
use super::world::{Local, World, place_of};

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    Success,
    Failure,
    Ongoing,
    NotSent,
    /// No answer, and it never arrived.
    Lost,
    /// No answer, but it took effect.
    Applied,
    /// No answer, and it arrives later, perhaps.
    Late,
}

/// What a client or an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Submit,
    SubmitFailed,
    Abort,
    ForceStop,
    Reschedule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The time of the last decision's wake-up comes.
    Wake,
    /// The time of the time-out passes, and nobody has noticed yet.
    Elapse,
    /// A call ends.
    Answer(CallKey, Reaction),
    /// A late call arrives.
    Arrive(usize, Phase),
    /// Deferred progress is written.
    Flush,
    /// The process dies, and another one takes over. What became of each call that was out: lost, applied or
    /// late.
    Crash(Vec<Reaction>),
    /// The client or an operator.
    Ask(Request),
    /// The client's local transaction ends.
    EndLocal(Local),
}

impl<D: Drive> World<'_, D> {
    /// Everything that can happen next.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = self.events_without_crash();
        if self.may_crash() {
            events.extend(self.crashes());
        }
        events
    }

    /// Whether a crash is worth looking at: after the end there is nothing to lose.
    pub(crate) fn may_crash(&self) -> bool {
        self.budget.crashes > 0 && !self.durable.status.is_final()
    }

    /// Everything but the deaths of the process, of which there are many when many calls are out.
    pub(crate) fn events_without_crash(&self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.wake.is_some() {
            events.push(Event::Wake);
        }
        if !self.status().is_final() && self.deadline().is_some_and(|at| self.now < at) {
            events.push(Event::Elapse);
        }
        for &key in self.run.in_flight().calls() {
            events.extend(self.reactions(key).into_iter().map(|reaction| Event::Answer(key, reaction)));
        }
        let mut late = self.late.clone();
        late.dedup();
        events.extend(late.into_iter().map(|(site, phase)| Event::Arrive(site, phase)));
        if self.durable != self.run.transaction().state {
            events.push(Event::Flush);
        }
        events.extend(self.requests().into_iter().map(Event::Ask));
        if self.run.transaction().mode() == Mode::Message && self.local == Local::Open {
            events.extend([Event::EndLocal(Local::Committed), Event::EndLocal(Local::RolledBack)]);
        }
        events
    }

    /// What happens when everything goes well from now on.
    pub(crate) fn good_event(&self) -> Option<Event> {
        if self.status().is_final() {
            return None;
        }
        if self.run.transaction().mode() == Mode::Workflow {
            return Some(Event::Ask(Request::Submit));
        }
        let call = self.run.in_flight().calls().first();
        call.map(|&key| Event::Answer(key, Reaction::Success)).or(self.wake.map(|_| Event::Wake))
    }

    fn reactions(&self, key: CallKey) -> Vec<Reaction> {
        let mut reactions = vec![Reaction::Success, Reaction::Ongoing];
        if self.setting.definition.options.retry_limit.is_some() {
            // Otherwise both lead where ongoing leads: nothing took effect, and it is tried again later.
            reactions.extend([Reaction::NotSent, Reaction::Lost]);
        }
        match place_of(self.run.transaction().mode(), key) {
            Some((site, phase)) => {
                reactions.push(Reaction::Applied);
                if self.budget.late > 0 {
                    reactions.push(Reaction::Late);
                }
                let is_action = phase == Phase::Forward && self.run.transaction().mode() == Mode::Saga;
                if !is_action || self.sites[site].may_refuse() {
                    reactions.push(Reaction::Failure);
                }
            }
            // A back-check answers with the truth; a workflow call-back with anything.
            None => reactions.push(Reaction::Failure),
        }
        reactions
    }

    fn crashes(&self) -> Vec<Event> {
        let mut fates: Vec<Vec<Reaction>> = vec![Vec::new()];
        for _ in self.run.in_flight().calls() {
            let choices = [Reaction::Lost, Reaction::Applied, Reaction::Late];
            fates = fates
                .iter()
                .flat_map(|before| choices.map(|choice| [before.as_slice(), &[choice]].concat()))
                .collect();
        }
        let late = |fates: &Vec<Reaction>| fates.iter().filter(|fate| **fate == Reaction::Late).count();
        fates.retain(|fates| late(fates) <= usize::from(self.budget.late));
        fates.into_iter().map(Event::Crash).collect()
    }

    fn requests(&self) -> Vec<Request> {
        let mut requests = Vec::new();
        if self.budget.stops > 0 {
            requests.push(Request::ForceStop);
        }
        if self.budget.requests == 0 && self.status() != Status::Prepared {
            return requests;
        }
        match self.run.transaction().mode() {
            Mode::Saga => requests.extend([Request::Submit, Request::Abort, Request::Reschedule]),
            Mode::Tcc | Mode::Xa => {
                requests.extend([Request::Abort, Request::Reschedule]);
                if self.setting.may_submit {
                    requests.push(Request::Submit);
                }
            }
            Mode::Message => {
                requests.push(Request::Reschedule);
                match self.local {
                    Local::Committed => requests.push(Request::Submit),
                    Local::RolledBack => requests.push(Request::Abort),
                    Local::Open => {}
                }
            }
            Mode::Workflow => {
                requests.extend([Request::Submit, Request::SubmitFailed, Request::Abort]);
                requests.push(Request::Reschedule);
            }
        }
        requests
    }
}
