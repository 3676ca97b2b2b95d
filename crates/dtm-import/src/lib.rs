//! Takes over what a stopped DTM 1.19 has not finished: transactions of all modes, and topics.
//!
//! | module | what it holds |
//! |---|---|
//! | `record` | what DTM has stored, as it was read and not yet judged |
//! | `source` | reading it: MySQL, PostgreSQL, Redis; nothing is changed there |
//! | [`convert`] | PURE: from DTM's rows to a transaction of ours, or the reason why not |
//! | `target` | writing it into a store of ours, so that a second run changes nothing |
//! | `topics` | the same for topics |
//! | `report` | what was taken, what was refused |
//! | `run` | all of it, in pages and with bounded memory |

pub mod convert;
mod error;
mod record;
mod report;
mod run;
mod source;
mod target;
mod topics;

pub use error::ImportError;
pub use record::{BranchRecord, GlobalRecord, KeyValueRecord};
pub use report::{Counts, Report};
pub use run::{Event, Settings, run};
