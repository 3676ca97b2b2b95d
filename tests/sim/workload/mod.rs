//! What the clients of a run do: one file a mode.

mod message;
mod mishaps;
mod saga;
mod two_phase;
mod workflow;

mod programs;

pub(crate) use programs::start;
