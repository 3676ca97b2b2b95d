//! What was seen from outside during a run, in the order in which it happened.

use std::fmt;
use std::sync::Arc;

use dtm_core::coordinator::CallKey;
use dtm_core::model::{BranchId, Gid, Mode, Op, Outcome, Status, Timestamp};
use dtm_store::{Clock, Epoch, NodeName, OwnerToken, Ownership};
use parking_lot::Mutex;

/// Collects events. Cheap to clone; all clones write to the same journal.
#[derive(Debug, Clone)]
pub struct Journal {
    clock: Arc<dyn Clock>,
    entries: Arc<Mutex<Vec<Entry>>>,
}

/// One event and when it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Something that can be seen from outside of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something that only readers care about: a fault, a crash, a restart.
    Note(String),
    /// A server has joined; durable.
    Joined {
        /// Its name.
        node: NodeName,
        /// Which start of it.
        epoch: Epoch,
    },
    /// A client sends a request.
    Asked {
        /// The transaction.
        gid: Gid,
        /// What is asked.
        ask: Ask,
    },
    /// A client learns what became of its request, or gives up waiting.
    Answered {
        /// The transaction.
        gid: Gid,
        /// What was asked.
        ask: Ask,
        /// What it was told.
        answer: Answer,
    },
    /// A client has read a status; `None`: there is no such transaction.
    Read {
        /// The number that it asked under.
        number: u64,
        /// The transaction.
        gid: Gid,
        /// What it was told.
        status: Option<Status>,
    },
    /// The creation is durable.
    Created {
        /// The transaction.
        gid: Gid,
        /// Its mode.
        mode: Mode,
        /// Its first status.
        status: Status,
        /// Its first owner.
        owner: Ownership,
    },
    /// A later write is durable.
    Committed {
        /// The transaction.
        gid: Gid,
        /// The status from now on.
        status: Status,
        /// The owner that the write was decided under.
        expected: OwnerToken,
        /// The owner from now on.
        owner: Ownership,
    },
    /// A server has taken the transaction over; durable.
    Claimed {
        /// The transaction.
        gid: Gid,
        /// The owner from now on.
        owner: Ownership,
    },
    /// A branch is registered; durable.
    Registered {
        /// The transaction.
        gid: Gid,
        /// The branch.
        branch_id: BranchId,
    },
    /// A server makes a call.
    Called {
        /// Tells this call from all others.
        id: u64,
        /// Which start of which server, as `node:epoch`.
        caller: String,
        /// The transaction.
        gid: Gid,
        /// Which call of the transaction.
        key: CallKey,
        /// The branch.
        branch_id: BranchId,
        /// What the branch is asked; `None` for a workflow.
        op: Option<Op>,
    },
    /// A server knows what became of its call, or does not wait for it any more (`None`).
    CallEnded {
        /// The call.
        id: u64,
        /// The transaction.
        gid: Gid,
        /// What became of it.
        outcome: Option<Outcome>,
    },
    /// A call has arrived at a branch, and this is what the branch did.
    Effect {
        /// The transaction.
        gid: Gid,
        /// The branch.
        branch_id: BranchId,
        /// What was asked. What a client does before it decides (try, XA prepare) is an action.
        op: Op,
        /// What the branch did.
        did: Did,
    },
    /// The local transaction of a message has ended.
    Local {
        /// The transaction.
        gid: Gid,
        /// Whether it committed.
        committed: bool,
    },
}

/// What a client asks of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Remember it.
    Prepare,
    /// Go forward.
    Submit,
    /// Go forward, with other content than before under the same gid.
    SubmitOther,
    /// Remember how a workflow has ended.
    End {
        /// Whether it succeeded.
        succeeded: bool,
    },
    /// Undo.
    Abort,
    /// Remember a branch.
    Register(BranchId),
    /// End it without undoing anything.
    ForceStop,
    /// Try again now.
    Reschedule,
    /// Show where it stands; each question has a number of its own.
    Read(u64),
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is durable.
    Accepted,
    /// It is durable, and this is where the transaction stood after the first pass.
    Passed(Status),
    /// It was not done and never will be.
    Refused(String),
    /// Nobody knows: no answer came, or one that does not say.
    Unknown(String),
}

/// What a branch does with a call, behind its barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// The books changed.
    Applied,
    /// It had been done before: nothing changed.
    Repeated,
    /// There was nothing to undo, and now it can never be done any more (null compensation).
    Empty,
    /// It had been undone before it came: nothing changed (dangling).
    TooLate,
    /// The branch said no, for good.
    Refused,
}

impl Answer {
    /// Whether the client may rely on it.
    #[must_use]
    pub const fn is_acknowledged(&self) -> bool {
        match self {
            Self::Accepted | Self::Passed(_) => true,
            Self::Refused(_) | Self::Unknown(_) => false,
        }
    }
}

impl Journal {
    /// An empty journal.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, entries: Arc::default() }
    }

    /// Appends an event that happens now.
    pub fn record(&self, event: Event) {
        let at = self.clock.now();
        self.entries.lock().push(Entry { at, event });
    }

    /// Appends a remark for readers.
    pub fn note(&self, text: impl Into<String>) {
        self.record(Event::Note(text.into()));
    }

    /// Everything so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().clone()
    }
}

impl Event {
    /// The transaction that it is about.
    #[must_use]
    pub const fn gid(&self) -> Option<&Gid> {
        match self {
            Self::Note(_) | Self::Joined { .. } => None,
            Self::Asked { gid, .. }
            | Self::Answered { gid, .. }
            | Self::Read { gid, .. }
            | Self::Created { gid, .. }
            | Self::Committed { gid, .. }
            | Self::Claimed { gid, .. }
            | Self::Registered { gid, .. }
            | Self::Called { gid, .. }
            | Self::CallEnded { gid, .. }
            | Self::Effect { gid, .. }
            | Self::Local { gid, .. } => Some(gid),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.at.as_millis() % 100_000_000;
        write!(f, "{:>6}.{:03} {}", millis / 1_000, millis % 1_000, self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(text) => write!(f, "-- {text}"),
            Self::Joined { node, epoch } => write!(f, "-- server {}:{} starts", node.as_str(), epoch.0),
            Self::Asked { gid, ask } => write!(f, "{gid} client asks {ask}"),
            Self::Answered { gid, ask, answer } => write!(f, "{gid} client was told {ask}: {answer:?}"),
            Self::Read { gid, status, .. } => write!(f, "{gid} client reads {status:?}"),
            Self::Created { gid, mode, status, owner } => {
                write!(f, "{gid} STORED {mode} {status}, {}", Shown(owner))
            }
            Self::Committed { gid, status, expected, owner } => {
                write!(f, "{gid} STORED {status}, by {expected}, {}", Shown(owner))
            }
            Self::Claimed { gid, owner } => write!(f, "{gid} STORED claim, {}", Shown(owner)),
            Self::Registered { gid, branch_id } => write!(f, "{gid} STORED branch {branch_id}"),
            Self::Called { id, caller, gid, branch_id, op, .. } => {
                let op = op.map_or("workflow", Op::as_str);
                write!(f, "{gid} call {id} of {caller}: {op} {branch_id}")
            }
            Self::CallEnded { id, gid, outcome: None } => write!(f, "{gid} call {id} dropped"),
            Self::CallEnded { id, gid, outcome: Some(outcome) } => {
                write!(f, "{gid} call {id} ended: {outcome:?}")
            }
            Self::Effect { gid, branch_id, op, did } => {
                write!(f, "{gid} branch {branch_id} {}: {did:?}", op.as_str())
            }
            Self::Local { gid, committed } => {
                write!(f, "{gid} local transaction {}", if *committed { "committed" } else { "rolled back" })
            }
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare => f.write_str("prepare"),
            Self::Submit => f.write_str("submit"),
            Self::SubmitOther => f.write_str("submit with other content"),
            Self::End { succeeded: true } => f.write_str("end in success"),
            Self::End { succeeded: false } => f.write_str("end in failure"),
            Self::Abort => f.write_str("abort"),
            Self::Register(branch_id) => write!(f, "register {branch_id}"),
            Self::ForceStop => f.write_str("force stop"),
            Self::Reschedule => f.write_str("reschedule"),
            Self::Read(_) => f.write_str("read"),
        }
    }
}

struct Shown<'a>(&'a Ownership);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.0.held { "held by" } else { "released by" }, self.0.token)
    }
}
