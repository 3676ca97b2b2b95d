//! A global transaction: what it is, where it stands, what was registered.

use std::sync::Arc;

use super::{
    BranchIndex, BranchProgress, Gid, Mode, Options, Ordering, Payload, Protocol, Registration, Seconds,
    Status, Step, Timestamp,
};
use crate::coordinator::Policy;

/// A global transaction as the coordinator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Written once, when the transaction is created.
    pub definition: Definition,
    /// Rewritten by every durable step.
    pub state: State,
    /// Appended while the transaction is prepared, frozen afterwards.
    pub registrations: Vec<Registration>,
}

/// What a client asked for. Never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub gid: Gid,
    /// How its branches are called unless their URL says otherwise.
    pub protocol: Protocol,
    /// Its mode, and what that mode needs to know.
    pub plan: Plan,
    /// What the client chose.
    pub options: Options,
    /// `custom_data` as it was sent; its parts are in `plan` where the server uses them.
    pub custom_data: String,
    /// When the server accepted it.
    pub created_at: Timestamp,
}

/// What a transaction of each mode consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Actions with compensations.
    Saga {
        /// At least none; a saga without steps succeeds at once.
        steps: Vec<Step>,
        /// Which step waits for which.
        ordering: Ordering,
    },
    /// Calls that follow a local transaction.
    Message {
        /// One per subscriber; topics are expanded before admission.
        steps: Vec<Step>,
        /// Where to ask whether the local transaction committed.
        query_prepared: Arc<str>,
        /// How long after creation the first branch may be called.
        delay: Option<Seconds>,
    },
    /// Branches come by registration.
    Tcc,
    /// Branches come by registration.
    Xa,
    /// The client runs it; the server calls back when it does not come to an end.
    Workflow {
        /// Where to call back.
        callback: Arc<str>,
        /// The name under which the client registered its function.
        name: Arc<str>,
        /// The input of the function.
        data: Payload,
    },
}

/// What a submit may add to a prepared transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// The options that count from now on.
    pub options: Options,
    /// The delay of a message that was given only at submit (decision 21).
    pub delay: Option<Seconds>,
}

/// How a workflow ended, told by its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowEnd {
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Why it was rolled back.
    pub reason: String,
    /// Its result, base64 as it travels.
    pub result: String,
}

/// The small part of a transaction that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Where it stands.
    pub status: Status,
    /// Why it is rolled back; shown as `rollback_reason`.
    pub reason: Option<String>,
    /// The result of a workflow, base64 as it travels.
    pub result: Option<String>,
    /// What is known about each row; rows beyond the end are untouched.
    pub progress: Vec<BranchProgress>,
    /// Whether `progress` names every action that may have been called. Not so between creation and the
    /// first later write, when progress is deferred: a recovering server must then assume all of them.
    pub starts_recorded: bool,
    /// Failing passes in a row, for alerts.
    pub failures: u32,
    /// The present interval between tries; shown as `next_cron_interval`.
    pub interval: Seconds,
    /// When to try next; shown as `next_cron_time`.
    pub next_retry: Timestamp,
    /// When the state last changed.
    pub updated_at: Timestamp,
    /// When the status became final.
    pub finished_at: Option<Timestamp>,
    /// What submit added to what prepare said.
    pub amendment: Option<Amendment>,
}

impl Plan {
    /// The mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Saga { .. } => Mode::Saga,
            Self::Message { .. } => Mode::Message,
            Self::Tcc => Mode::Tcc,
            Self::Xa => Mode::Xa,
            Self::Workflow { .. } => Mode::Workflow,
        }
    }

    /// The steps that were listed at submit; none for modes whose branches are registered.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        match self {
            Self::Saga { steps, .. } | Self::Message { steps, .. } => steps,
            Self::Tcc | Self::Xa | Self::Workflow { .. } => &[],
        }
    }
}

impl State {
    /// What is known about row `index`.
    #[must_use]
    pub fn progress_of(&self, index: BranchIndex) -> BranchProgress {
        self.progress.get(index.at()).copied().unwrap_or(BranchProgress::UNTOUCHED)
    }
}

impl Transaction {
    /// A transaction that waits for its client's decision.
    #[must_use]
    pub fn prepared(definition: Definition, policy: &Policy) -> Self {
        Self::new(definition, Status::Prepared, policy)
    }

    /// A transaction that goes forward at once.
    #[must_use]
    pub fn submitted(definition: Definition, policy: &Policy) -> Self {
        Self::new(definition, Status::Submitted, policy)
    }

    fn new(definition: Definition, status: Status, policy: &Policy) -> Self {
        let interval = policy.base_interval(&definition.options);
        let created_at = definition.created_at;
        let state = State {
            status,
            reason: None,
            result: None,
            progress: Vec::new(),
            starts_recorded: !(policy.defer_progress && definition.plan.mode() == Mode::Saga),
            failures: 0,
            interval,
            next_retry: created_at.plus(interval),
            updated_at: created_at,
            finished_at: None,
            amendment: None,
        };
        Self { definition, state, registrations: Vec::new() }
    }

    /// Its name.
    #[must_use]
    pub const fn gid(&self) -> &Gid {
        &self.definition.gid
    }

    /// Its mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.definition.plan.mode()
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.state.status
    }

    /// The options that count now.
    #[must_use]
    pub fn options(&self) -> &Options {
        self.state.amendment.as_ref().map_or(&self.definition.options, |amendment| &amendment.options)
    }

    /// How long after creation the first branch of a message may be called.
    #[must_use]
    pub fn delay(&self) -> Option<Seconds> {
        let planned = match &self.definition.plan {
            Plan::Message { delay, .. } => *delay,
            Plan::Saga { .. } | Plan::Tcc | Plan::Xa | Plan::Workflow { .. } => None,
        };
        self.state.amendment.as_ref().and_then(|amendment| amendment.delay).or(planned)
    }
}
