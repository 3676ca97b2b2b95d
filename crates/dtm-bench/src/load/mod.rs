//! The closed loop, the branch services, and the ledger that both write to.

mod branches;
mod closed_loop;
mod connection;
mod held;
mod ledger;

pub(crate) use branches::Branches;
pub(crate) use closed_loop::{Load, drive};
pub(crate) use connection::Connection;
pub(crate) use held::Held;
pub(crate) use ledger::{Latencies, Ledger};
