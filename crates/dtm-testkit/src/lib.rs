//! In-memory store, faults, clocks, scripted services and invariants, for tests.
//!
//! | module | what it holds |
//! |---|---|
//! | [`clock`] | [`ManualClock`], moved by hand, and [`VirtualClock`], moved by tokio's paused time |
//! | [`invariants`] | what must hold whatever happens, and the journal that shows whether it did |
//! | [`memory`] | [`MemoryStore`]: the reference implementation of a store |
//! | [`outside`] | real servers: those that `tests/services` starts, one of a test's own, a lossy network before them |
//! | [`services`] | branch services in virtual time that misbehave as they are told |
//! | [`sim`] | [`SimStore`]: the same store with time-outs, delays and crashes by a seeded [`FaultPlan`] |

pub mod clock;
pub mod invariants;
pub mod memory;
pub mod outside;
pub mod services;
pub mod sim;

pub use clock::{ManualClock, START, VirtualClock};
pub use memory::MemoryStore;
pub use sim::{CrashAt, FaultPlan, SimStore};
