//! A store that fails on purpose, by a seed.

mod faults;
mod plan;
mod store;
#[cfg(test)]
mod tests;

pub use faults::Faults;
pub use plan::{CrashAt, FaultPlan};
pub use store::SimStore;
