//! Telling the operators that something is stuck: behaviour 92, decision 9, defects S5 and M10.
//!
//! Whoever has something to say hands it to the [`AlertSender`], which never waits. A task of its own posts it
//! to the web hook, so that a slow hook delays no transaction.

mod hook;
mod message;
mod sender;
mod task;

#[cfg(test)]
mod tests;

pub use hook::HookError;
pub use sender::AlertSender;
pub use task::{AlertTask, start};
