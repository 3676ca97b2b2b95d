//! The stores in PostgreSQL, MariaDB and MySQL, shared by any number of servers.
//!
//! | table | what a row is |
//! |---|---|
//! | `dtm_transaction` | a transaction: definition and state as JSON text, and what queries look for |
//! | `dtm_branch` | a registered branch, as JSON text |
//! | `dtm_kv` | a topic; the version of the tables |
//! | `dtm_node` | a server: its epoch, its last heartbeat |
//!
//! Times are milliseconds since the Unix epoch, by the clock of the database.
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | [`SqlConfig`]: address, bounds, time-outs |
//! | [`store`] | [`SqlStore`]: opening, closing |
//! | `contract` | what callers do themselves, before they queue |
//! | `operation`, `backend` | what the committers are asked for; one batch, few statements |
//! | `record` | a row, and what it means |
//! | `schema` | which version the tables have, and what they lack |
//! | `lease` | what is remembered between claims |
//! | `fault` | what can go wrong, and what is known then |
//! | `server`, `connections`, `session` | how to talk to a server |
//! | `database` | what a dialect brings along: everything that is SQL |
//! | `postgres` | PostgreSQL 13 and later |
//! | `mysql` | MariaDB 10.6 and later, MySQL 8 |

mod backend;
pub mod config;
mod connections;
mod contract;
mod database;
mod fault;
mod lease;
mod mysql;
mod operation;
mod postgres;
mod queues;
mod record;
mod schema;
mod server;
mod session;
pub mod store;

pub use config::SqlConfig;
pub use store::SqlStore;
