//! The transaction manager, as a library: the binary, the examples and the tests start it from here.

pub mod alert;
pub mod api;
mod assembly;
pub mod clock;
pub mod config;
pub mod embedded;
pub mod import;
pub mod ingress;
mod listening;
pub mod metrics;
pub mod runner;
pub mod server;
pub mod shutdown;
mod start_error;
pub mod store;
pub mod telemetry;
pub mod transport;
