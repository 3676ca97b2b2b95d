//! The command line.

mod command;
mod compare;
mod figures;
mod load;
mod services;

pub(crate) use command::{Arguments, Command};
pub(crate) use compare::{CompareArguments, Peer, PeerKind};
pub(crate) use figures::{EmbeddedArguments, FailoverArguments, RecoveryArguments, TableSizeArguments};
pub(crate) use load::{LoadArguments, Protocol};
pub(crate) use services::{ServerArguments, ServiceArguments, Store};
