//! The server process: the real one, or the floor.

mod binary;
mod ended;
pub(crate) mod floor;
mod metrics;
mod peer;
mod process;
mod transactions;

pub(crate) use binary::find;
pub(crate) use ended::until_ended;
pub(crate) use metrics::Counters;
pub(crate) use peer::start_peer;
pub(crate) use process::ServerProcess;
pub(crate) use transactions::check_ended;
