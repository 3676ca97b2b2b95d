//! The transaction manager, as a library: the binary, the examples and the tests start it from here.

pub mod alert;
pub mod api;
pub mod clock;
pub mod config;
pub mod import;
pub mod ingress;
pub mod metrics;
pub mod runner;
pub mod server;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod transport;
