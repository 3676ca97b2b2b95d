//! What the examples share. None of it is needed to use the crates: it starts things, and prints what happens.

mod database;
mod manager;
mod servers;
mod service;
mod story;

pub use database::database;
pub use manager::Manager;
pub use servers::{mariadb_url, postgres_url, redis_url};
pub use service::serve;
pub use story::{Result, Story, play};
