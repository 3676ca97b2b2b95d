//! The model of a global transaction and the pure coordinator that decides what happens to it next.
//!
//! Nothing in this crate does I/O, reads a clock, draws a random number or looks at the environment. The
//! same input always gives the same [`Decision`](coordinator::Decision), which is why the live server, the
//! recovery after a crash, the in-memory store and the simulation can all share it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | what a transaction *is*: ids, modes, statuses, steps, options, progress |
//! | [`coordinator`] | what happens *next*: `decide`, `evolve`, admission of requests, registration of branches |
//!
//! ```
//! use dtm_core::coordinator::{Input, Policy, Run};
//! use dtm_core::model::{Definition, Gid, Options, Ordering, Plan, Protocol, Step, Timestamp, Transaction};
//!
//! let definition = Definition {
//!     gid: Gid::parse("order-1001")?,
//!     protocol: Protocol::Http,
//!     plan: Plan::Saga {
//!         steps: vec![Step::new("http://stock/deduct", "http://stock/refund", b"{}".as_slice())],
//!         ordering: Ordering::Sequential,
//!     },
//!     options: Options::default(),
//!     custom_data: String::new(),
//!     created_at: Timestamp::from_millis(0),
//! };
//! let policy = Policy::default();
//! let now = Timestamp::from_millis(0);
//! let mut run = Run::fresh(Transaction::submitted(definition, &policy));
//! let decision = run.step(&Input::Woke, &policy, now)?;
//! assert_eq!(decision.effects.len(), 1, "the first action is called");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod coordinator;
pub mod model;
