//! The coordinator, judged by what it decides.
//!
//! | module | what it pins |
//! |---|---|
//! | `fixtures`, `matchers` | how a case is told: given a transaction, when something happens, then ... |
//! | `saga`, `saga_concurrent`, `saga_options`, `tcc`, `xa`, `message`, `workflow` | the items of behaviour F to L |
//! | `alerts`, `crashes`, `requests`, `writes`, `sizes` | what all modes share |
//! | `search` | all interleavings of small transactions: the invariants, and bugs that must be found |
//! | `properties` | random larger ones, and inputs that make no sense |
//! | `state_tables` | `docs/state-tables.md` |

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod alerts;
mod crashes;
mod fixtures;
mod matchers;
mod message;
mod properties;
mod requests;
mod saga;
mod saga_concurrent;
mod saga_options;
mod search;
mod sizes;
mod state_tables;
mod tcc;
mod workflow;
mod writes;
mod xa;
