//! The server process: the real one, or the floor.

mod binary;
pub(crate) mod floor;
mod metrics;
mod process;
mod transactions;

pub(crate) use binary::find;
pub(crate) use metrics::Counters;
pub(crate) use process::ServerProcess;
pub(crate) use transactions::check_ended;
