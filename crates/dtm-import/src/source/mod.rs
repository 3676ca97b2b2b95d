//! Reading the store of a stopped DTM. Nothing is changed there.
//!
//! | file | idea |
//! |---|---|
//! | `contract` | what every source can do |
//! | `address` | which source an address means |
//! | `sql`, `rows` | pages of tables, the same for both databases |
//! | `mysql`, `postgres` | the statements of each |
//! | `redis`, `redis_records` | keys, and the JSON in them |
//! | `redis_watch` | whether a DTM works on them |

mod address;
mod contract;
mod mysql;
mod postgres;
mod redis;
mod redis_records;
mod redis_watch;
mod rows;
mod sql;

pub(crate) use address::open;
pub(crate) use contract::{Item, Output, Source, Watch, Watched};
