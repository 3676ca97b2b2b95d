//! The reference implementation of a store, in memory.
//!
//! [`Tables`] is what a store means, as plain deterministic functions over sorted maps. [`MemoryStore`] puts
//! them behind the contract; its [`Medium`] decides what else happens to a call: nothing ([`Reliable`]), or
//! faults ([`SimStore`](crate::SimStore)).

mod claims;
mod contract;
mod journal;
mod medium;
mod nodes;
mod record;
mod store;
mod tables;
mod topics;

pub(crate) use journal::Before;
pub use medium::{Medium, Reliable};
pub use store::MemoryStore;
pub use tables::Tables;
