//! A run, what is stored of it, the branch services, the calls that are late, the client, the clock.

use dtm_core::coordinator::{CallKey, Policy};
use dtm_core::model::{BranchIndex, Definition, Mode, Registration, State, Status, Timestamp, Transaction};

use super::drive::Drive;
use super::invariants::View;
use super::site::{Phase, Site};

/// What never changes during a search.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) policy: Policy,
    pub(crate) definition: Definition,
    pub(crate) registrations: Vec<Registration>,
    /// `later[i]`: the sites that go forward only after site `i`, and so go back before it.
    pub(crate) later: Vec<Vec<usize>>,
    /// Whether the client has seen all its tries succeed, so that it may submit.
    pub(crate) may_submit: bool,
}

/// Whether the local transaction of a message has committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Local {
    Open,
    Committed,
    RolledBack,
}

/// How much may still go wrong, so that the search ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Deaths of the process.
    pub(crate) crashes: u8,
    /// Calls that arrive after the coordinator has given them up.
    pub(crate) late: u8,
    /// Repeated requests of the client.
    pub(crate) requests: u8,
    /// Forced stops.
    pub(crate) stops: u8,
}

#[derive(Clone)]
pub(crate) struct World<'s, D> {
    pub(crate) setting: &'s Setting,
    pub(crate) run: D,
    /// What the store holds.
    pub(crate) durable: State,
    pub(crate) wake: Option<Timestamp>,
    pub(crate) now: Timestamp,
    pub(crate) sites: Vec<Site>,
    /// Calls that will arrive some time, or never. Sorted.
    pub(crate) late: Vec<(usize, Phase)>,
    pub(crate) local: Local,
    /// Whether an operator has stopped it.
    pub(crate) forced: bool,
    pub(crate) budget: Budget,
}

impl<'s, D: Drive> World<'s, D> {
    /// A transaction that has just been created, and whose driver starts.
    pub(crate) fn new(setting: &'s Setting, initial: Transaction, budget: Budget) -> Self {
        let mode = initial.mode();
        let sites = match mode {
            Mode::Saga | Mode::Message => initial.definition.plan.steps().len(),
            Mode::Tcc | Mode::Xa => initial.registrations.len(),
            Mode::Workflow => 0,
        };
        Self {
            setting,
            durable: initial.state.clone(),
            now: initial.definition.created_at,
            wake: Some(initial.definition.created_at),
            run: D::fresh(initial),
            sites: vec![Site::default(); sites],
            late: Vec::new(),
            local: Local::Open,
            forced: false,
            budget,
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.run.transaction().status()
    }

    /// The store's copy.
    pub(crate) fn stored(&self) -> Transaction {
        Transaction {
            definition: self.setting.definition.clone(),
            state: self.durable.clone(),
            registrations: self.setting.registrations.clone(),
        }
    }

    /// When the time-out strikes, or the delay is over.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.setting.policy.deadline(self.run.transaction()).map(|(at, _)| at)
    }

    /// What the invariants see.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            mode: self.run.transaction().mode(),
            status: self.status(),
            stored_status: self.durable.status,
            forced: self.forced,
            sites: &self.sites,
            later: &self.setting.later,
            calls: self.run.in_flight().calls(),
            wake: self.wake,
            local: self.local,
        }
    }
}

/// Which service a row belongs to, and what it asks of it.
pub(crate) const fn place(mode: Mode, index: BranchIndex) -> (usize, Phase) {
    let (half, is_odd) = (index.at() / 2, index.get() % 2 == 1);
    match mode {
        Mode::Saga if is_odd => (half, Phase::Forward),
        Mode::Tcc | Mode::Xa if is_odd => (half, Phase::Finish),
        Mode::Saga | Mode::Tcc | Mode::Xa => (half, Phase::Back),
        Mode::Message | Mode::Workflow => (index.at(), Phase::Forward),
    }
}

/// As [`place`], for calls of branches.
pub(crate) const fn place_of(mode: Mode, key: CallKey) -> Option<(usize, Phase)> {
    match key {
        CallKey::Branch(index) => Some(place(mode, index)),
        CallKey::Probe | CallKey::Resume => None,
    }
}
