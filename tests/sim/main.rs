//! The simulation: the real runner on a simulated store, with simulated branches, clients and crashes, in
//! virtual time. Everything that happens follows from one seed.
//!
//! | file | idea |
//! |---|---|
//! | `run` | one run from its seed to its report |
//! | `world`, `cluster`, `gate` | server processes that crash, stop, stand still, are overtaken |
//! | `watched_store`, `faults` | the store as one process sees it |
//! | `transport` | calls to the simulated branches |
//! | `flows` | call-backs of workflows to the applications that run them |
//! | `client`, `workload` | clients that remember what they were told |
//! | `bug`, `buggy_store` | planted bugs, which the checker has to find |
//! | `watchdog` | ends a run that turns in circles |
//! | `seeds`, `planted`, `repeatable` | the tests |
//! | `copies` | two servers, and what one of them remembers |
//! | `looks` | how often servers look for something to do |
//! | `slow_answers` | two servers, and a store that answers one of them late |
//!
//! ```text
//! cargo test -p dtm-tests --test sim                                                # 500 seeds
//! DTM_SIM_SEEDS=10000 cargo test -p dtm-tests --test sim many_seeds                 # more
//! DTM_SIM_SEED=123 cargo test -p dtm-tests --test sim one_seed -- --nocapture       # one, with its trace
//! ```

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail by panicking, as tests do")]

mod arguments;
mod bug;
mod buggy_store;
mod chance;
mod client;
mod cluster;
mod copies;
mod faults;
mod flows;
mod gate;
mod looks;
mod planted;
mod recording;
mod repeatable;
mod run;
mod seeds;
mod slow_answers;
mod transport;
mod watchdog;
mod watched_store;
mod workload;
mod world;
