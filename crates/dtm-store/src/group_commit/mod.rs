//! Group commit: callers see plain async calls, the store sees few large batches.
//!
//! ```text
//! caller ──submit──► bounded queue ──recv_many──► committer ──execute(batch)──► Backend
//!    ▲                                               │
//!    └──────────────── one answer for each ──────────┘
//! ```
//!
//! There is no timer: a committer takes what has queued up while the previous batch was being written, so a lone
//! caller waits for nobody, and a hundred callers share one flush. One route (the gid) always goes to the same
//! committer, so the writes of one transaction keep their order.

mod backend;
mod committer;
mod config;
mod queue;
#[cfg(test)]
mod tests;

pub use backend::Backend;
pub use config::Config;
pub use queue::{GroupCommit, WriteStats};
