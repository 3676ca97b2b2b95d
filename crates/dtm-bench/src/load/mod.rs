//! The closed loop, the branch services, and the ledger that both write to.

mod branches;
mod closed_loop;
mod connection;
mod dead;
mod grpc_client;
mod h2_connection;
mod held;
mod http_client;
mod ledger;
mod mode;

pub(crate) use branches::Branches;
pub(crate) use closed_loop::{Load, drive};
pub(crate) use connection::Connection;
pub(crate) use dead::Dead;
pub(crate) use h2_connection::H2Connection;
pub(crate) use held::Held;
pub(crate) use http_client::Dialect;
pub(crate) use ledger::{Latencies, Ledger};
pub(crate) use mode::{Mode, Verb};
