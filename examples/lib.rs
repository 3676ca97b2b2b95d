//! What the examples share: a story to tell, a manager to talk to, a service to call, a database to write to.

mod common;

pub use common::{Manager, Result, Story, database, mariadb_url, play, postgres_url, redis_url, serve};
