//! The conformance suite: what makes a store a store of transactions. Feature `suite`.
//!
//! A backend passes by one line in a test file, which stamps out one named test for each promise:
//!
//! ```ignore
//! dtm_store::store_suite!(MyHarness::open().await);
//! ```
//!
//! The expression is evaluated anew for each test and gives a [`StoreUnderTest`] with an empty store.
//!
//! | module | promises about |
//! |---|---|
//! | [`creation`] | create and load |
//! | [`commits`] | the compare-and-set of a state, fencing tokens |
//! | [`registration`] | branches that are appended |
//! | [`claims`] | who gets what is due, or what the dead held |
//! | [`reschedule`] | making many due at once |
//! | [`scan`] | listings |
//! | [`topics`] | topics with versions |
//! | [`nodes`] | epochs and heartbeats |
//! | [`damage`] | records that cannot be read, and bad rows in a batch |
//! | [`purge`] | removal of what is finished |
//! | [`durability`] | restarts, closing |
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are the bodies of tests; only the feature `suite` compiles them"
)]

pub mod claims;
pub mod commits;
pub mod creation;
pub mod damage;
pub mod durability;
mod fixtures;
mod harness;
mod macros;
pub mod nodes;
pub mod purge;
pub mod registration;
pub mod reschedule;
pub mod scan;
pub mod topics;

pub use harness::StoreUnderTest;
