//! From DTM's rows to a transaction of ours, or the reason why not. Pure: nothing is read, nothing is guessed.
//!
//! The definition is made by the same code that reads a client's request, so that its checks and limits are the
//! same. What a row says beyond that (how far the transaction has come) is checked here.

mod definition;
mod message;
mod refused;
mod registered;
mod rules;
mod saga;
mod state;
#[cfg(test)]
mod tests;
mod transaction;

pub use refused::Refused;
pub use rules::{CanBeCalled, Rules};
pub use transaction::convert;
