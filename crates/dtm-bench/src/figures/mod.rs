//! Figures about one server alone: cost against the size of its tables, fail-over, recovery, and
//! what it is inside an application.

mod embedded;
mod failover;
mod open;
mod recovery;
mod table_size;

pub(crate) use embedded::embedded;
pub(crate) use failover::failover;
pub(crate) use recovery::recovery;
pub(crate) use table_size::table_size;
