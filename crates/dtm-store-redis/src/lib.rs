//! The store in Redis, a single server or a cluster, shared by any number of servers.
//!
//! Transactions are spread over shards by their gid. All keys of a shard have the same hash tag, so they lie in one
//! slot and one script handles them atomically; shards lie in many slots, so a cluster shares the load.
//!
//! | key | what it holds |
//! |---|---|
//! | `{dtm:7}:transaction:GID` | hash: `definition` and `state` as JSON text; `head`, what writes are compared with; `kind`, what listings are filtered by |
//! | `{dtm:7}:branches:GID` | list: registered branches as JSON text |
//! | `{dtm:7}:listing` | sorted set: all transactions of the shard, in the order of creation |
//! | `{dtm:7}:due:` | sorted set: what nobody holds, by due time |
//! | `{dtm:7}:due:NODE:EPOCH` | sorted set: what that start of a node holds, by due time |
//! | `{dtm:7}:holders` | set: who holds anything |
//! | `{dtm}:store` | hash: the version of these keys, the number of shards |
//! | `{dtm}:nodes`, `{dtm}:epoch` | servers with their heartbeats; the last epoch |
//! | `{dtm}:topics`, `{dtm}:topic-names` | topics as JSON text; their names in order |
//!
//! Times are milliseconds since the Unix epoch, by the clock of Redis. No key has an expiry: what is finished is
//! removed by [`purge`](dtm_store::TransactionStore::purge), with everything that leads to it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | [`RedisConfig`]: addresses, bounds, time-outs, replicas to wait for |
//! | [`store`] | [`RedisStore`]: opening, closing |
//! | `contract` | what callers do themselves, before they queue |
//! | `operation`, `lanes`, `backend` | what the committers are asked for; a queue for each server |
//! | `batch` | one script for a batch, or for each shard in it |
//! | `record`, `head`, `load` | a transaction as it lies in its hash, and what it means |
//! | `trans`, `lease`, `held`, `scan`, `purge`, `topic`, `node` | what each part of the contract asks of Redis |
//! | `reach` | for how long the heartbeats could have been written |
//! | `scripts`, `keys`, `reply` | the scripts and their hashes; names of keys; reading what Redis answers |
//! | `open` | what has to hold before the first transaction is accepted |
//! | `eviction` | whether Redis may drop transactions, asked again and again |
//! | `client` | which server to ask, and what to do when it is not the right one, or not there |
//! | `connections`, `servers` | connections to one server; which servers there are, and who has which shard |
//! | `fault` | what can go wrong, and what is known then |

mod backend;
mod batch;
mod client;
pub mod config;
mod connections;
mod contract;
mod eviction;
mod fault;
mod head;
mod held;
mod keys;
mod lanes;
mod lease;
mod load;
mod node;
mod open;
mod operation;
mod purge;
mod reach;
mod record;
mod reply;
mod scan;
mod scripts;
mod servers;
pub mod store;
mod topic;
mod trans;

pub use config::{RedisConfig, Replicas};
pub use store::RedisStore;
