//! Figures about one server alone: cost against the size of its tables, fail-over, recovery.

mod failover;
mod open;
mod recovery;
mod table_size;

pub(crate) use failover::failover;
pub(crate) use recovery::recovery;
pub(crate) use table_size::table_size;
