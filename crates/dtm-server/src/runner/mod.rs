//! Driving transactions: write, then effects, then sleep until something happens.
//!
//! | file | idea |
//! |---|---|
//! | `engine` | the handle: requests of clients come in here |
//! | `context` | what every driver shares |
//! | `request` | what a request asks for, and what it is answered |
//! | `registry` | which transaction is driven by which task |
//! | `recent` | prepared transactions whose client is about to go on |
//! | `outline` | what is remembered of a large one |
//! | `turns` | registrations of one transaction, one after the other |
//! | `driver` | the task that drives one transaction |
//! | `event` | what wakes a driver up, and in which order |
//! | `handle` | what a driver does with a request |
//! | `commit` | what a driver does to make a decision durable |
//! | `elsewhere` | clients that wait here for what another server drives |
//! | `timer`, `jitter` | when a driver looks again |
//! | `poller` | claims transactions that nobody drives |
//! | `orphans` | finds transactions that this process holds without knowing |
//! | `housekeeping` | heartbeat of this server, removal of old transactions |

mod commit;
mod context;
mod driver;
mod elsewhere;
mod engine;
mod event;
mod handle;
mod housekeeping;
mod jitter;
mod orphans;
mod outline;
mod poller;
mod recent;
mod registry;
mod request;
mod timer;
mod turns;

pub use context::{Context, Settings};
pub use engine::Engine;
pub use jitter::Jitter;
pub use request::{Applied, RequestError};
