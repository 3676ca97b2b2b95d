//! The barrier in MongoDB: a transaction with the row of the barrier and the business in it.
//!
//! | to do | look at |
//! |---|---|
//! | run a closure behind the barrier | [`BranchBarrier::mongo_call`](crate::BranchBarrier::mongo_call) |
//! | answer the back-check of a message | [`BranchBarrier::mongo_query_prepared`](crate::BranchBarrier::mongo_query_prepared) |
//! | make the collection and its index | [`create_index`], [`create_index_named`] |
//! | use another collection | [`TableName`], [`BranchBarrier::in_table`](crate::BranchBarrier::in_table) |
//!
//! It needs what transactions need: a replica set (one server is enough for one) or a sharded cluster. The collection is
//! `dtm_barrier.barrier`, as that of Go's SDK, with a unique index on `gid, branch_id, op, barrier_id`. **Make the index before
//! the first call**: between Rust and Go it is what keeps the second of two calls at the same moment out. (Between two in Rust
//! the `_id` does so, too.)
//!
//! A transaction reads a snapshot and is committed by the majority, whatever the client's defaults are: what a single server has
//! acknowledged and lost when another took over would be done by nobody.
//!
//! The driver is used with its `bson` 2 and rustls; with other features (`dns-resolver` for `mongodb+srv://`, `bson-3`, ...) name it
//! in your own `Cargo.toml`.
//!
//! Rows are never removed. A transaction that has ended needs its rows no more: delete by `create_time` what is older than any
//! transaction may live, or have MongoDB do it by a TTL index. Rows of Go's SDK have no such field, and the time in their `_id`.

mod call;
mod document;
mod enter;
mod index;
mod query_prepared;
mod session;

pub use index::{create_index, create_index_named};

pub use crate::table_name::{BadTableName, TableName};
