//! What a global transaction is: a definition that never changes, a small state that does, and the branches
//! that were registered on the way.

mod branch;
mod branch_id;
mod gid;
mod mode;
mod op;
mod options;
mod ordering;
mod outcome;
mod payload;
mod progress;
mod rows;
mod status;
mod text;
mod time;
mod topic;
mod transaction;

pub use branch::{Registration, Step};
pub use branch_id::{BranchId, BranchIdError};
pub use gid::{Gid, GidError};
pub use mode::{Mode, Protocol, UnknownMode, UnknownProtocol};
pub use op::{Op, UnknownOp};
pub use options::Options;
pub use ordering::{Ordering, OrderingError, Predecessors, StepIndex};
pub use outcome::Outcome;
pub use payload::Payload;
pub use progress::{BranchIndex, BranchProgress};
pub use rows::{BranchRow, rows};
pub use status::{BranchStatus, Status, UnknownStatus};
pub use text::truncate;
pub use time::{Seconds, Timestamp};
pub use topic::{Action, ListedStep, Subscription, fan_out, listed};
pub use transaction::{Amendment, Definition, Plan, State, Transaction, WorkflowEnd};
