//! The embedded store: sled, every acknowledged write on disk.
//!
//! ```text
//! <folder>/LOCK       who holds the folder: pid and start, as text
//! <folder>/format     the version of all that follows
//! <folder>/mark       the number of the last batch that was acknowledged
//! <folder>/journal.*  the last batches, which sled may not have written yet
//! <folder>/sled/      the database
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | [`SledConfig`]: folder, clock, bounds |
//! | [`store`] | [`SledStore`]: opening, closing |
//! | `contract` | what callers do themselves, before they queue |
//! | `operation`, `backend` | what the committer is asked for; one batch, one sync |
//! | `trans`, `lease`, `purge`, `topic`, `node` | what each operation means |
//! | `load`, `scan` | what readers see |
//! | `open` | opening a folder, and everything that can be wrong with it |
//! | `engine` | sled behind the journal, a batch that is being put together |
//! | `journal` | what makes a batch durable |
//! | `folder` | lock, format version, mark |
//! | `schema` | the binary head in front of a state, checksums, values in parts |
//! | `keys` | the keys of the one tree |
//! | `index` | which unfinished transactions are due, and who holds them; in memory |
//! | `error` | what becomes of an error of sled |

mod backend;
pub mod config;
mod contract;
mod engine;
mod error;
mod folder;
mod index;
mod journal;
mod keys;
mod lease;
mod load;
mod node;
mod open;
mod operation;
mod purge;
mod scan;
mod schema;
pub mod store;
mod topic;
mod trans;

pub use config::SledConfig;
pub use store::SledStore;
