//! What the committer is asked for.

use dtm_core::model::{Gid, Timestamp};
use dtm_store::{Claims, Commit, Epoch, NodeName, OwnerToken, Rescheduled, Subscriber, Topic};

use crate::schema::Row;

/// One operation. Whatever has to be written as JSON is JSON already: callers do that work, in parallel.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Creates the transaction of the row; `recorded_at` is filled in.
    Create {
        row: Row,
        definition: String,
        state: String,
    },
    Commit {
        commit: Box<Commit>,
        state: String,
    },
    Register {
        gid: Gid,
        owner: OwnerToken,
        registered: usize,
        branches: Vec<String>,
    },
    /// One token for each transaction that may be claimed.
    Claim {
        tokens: Vec<OwnerToken>,
    },
    Reschedule {
        later_than: Timestamp,
        limit: usize,
        except: NodeName,
    },
    Purge {
        finished_before: Timestamp,
        limit: usize,
    },
    SaveTopic {
        name: String,
        subscribers: Vec<Subscriber>,
        expected: Option<Topic>,
    },
    DeleteTopic {
        name: String,
    },
    Join {
        node: NodeName,
    },
    Heartbeat {
        node: NodeName,
        epoch: Epoch,
    },
    Leave {
        node: NodeName,
        epoch: Epoch,
    },
    Alive,
}

/// What an operation brings.
#[derive(Debug)]
pub(crate) enum Output {
    Done,
    Claims(Claims),
    Rescheduled(Rescheduled),
    Purged(usize),
    Version(u64),
    Epoch(Epoch),
    Nodes(Vec<NodeName>),
}
